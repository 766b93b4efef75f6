/**
 * Takes the proxy's access log records from their socket.
 * @see cilium:pkg/envoy/accesslog_server.go#accessLogServer.accessLogger
 */
import type { AccessLogSink, LogEntry } from '../../xds/access_log.ts';
import { ACCESS_LOG_BUFFER, accessLogSize } from '../../xds/access_log_size.ts';

/** The socket. `tell` gets each record, those with several Kafka topics once for each. @see cilium:pkg/envoy/accesslog_server.go#logRecord */
export function accessLogServer(tell: (entry: LogEntry) => void): AccessLogSink {
  return {
    log: (entry) => {
      if (accessLogSize(entry) > ACCESS_LOG_BUFFER) {
        // "Envoy: Discarded truncated access log message", and nobody hears of the request.
        return;
      }
      tell(entry);
      const { kafka } = entry;
      for (const topic of kafka?.topics.slice(1) ?? []) {
        tell({ ...entry, kafka: kafka === undefined ? undefined : { ...kafka, topics: [topic] } });
      }
    },
  };
}
