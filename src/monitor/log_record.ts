/**
 * An L7 record as the agent publishes it, after it resolved the proxy's access log entry.
 * @see cilium:pkg/proxy/accesslog/record.go#LogRecord
 */
import type { KeyValue } from '../xds/access_log.ts';

/** One end of the connection. @see cilium:pkg/proxy/accesslog/record.go#EndpointInfo */
export interface EndpointInfo {
  /** Endpoint id; 0 when the address is not an endpoint of this node. */
  readonly id: number;
  /** Dotted quad; empty if unknown. */
  readonly ipv4: string;
  readonly port: number;
  readonly identity: number;
  /** Label texts, sorted. */
  readonly labels: readonly string[];
}

/** @see cilium:pkg/proxy/accesslog/record.go#LogRecordHTTP */
export interface LogRecordHttp {
  /** 0 in request records. */
  readonly code: number;
  readonly method: string;
  readonly url: string;
  /** `HTTP/1.1` */
  readonly protocol: string;
  readonly headers: readonly KeyValue[];
  readonly missingHeaders: readonly KeyValue[];
  readonly rejectedHeaders: readonly KeyValue[];
}

/** @see cilium:pkg/proxy/accesslog/record.go#LogRecordDNS */
export interface LogRecordDns {
  readonly query: string;
  /** Record type names: `A`, `AAAA`. */
  readonly qTypes: readonly string[];
  readonly ips: readonly string[];
  readonly cnames: readonly string[];
  readonly ttl: number;
  readonly rcode: number;
  /** `proxy` */
  readonly observationSource: string;
  /** Types of the answer's records. */
  readonly answerTypes?: readonly string[];
}

/** @see cilium:pkg/proxy/accesslog/record.go#LogRecordKafka */
export interface LogRecordKafka {
  readonly errorCode: number;
  readonly apiVersion: number;
  /** `produce`, or the number of a kind that has no name. */
  readonly apiKey: string;
  readonly correlationId: number;
  /** One of the request's topics, or empty. */
  readonly topic: string;
}

/** @see cilium:pkg/proxy/accesslog/record.go#LogRecordL7 */
export interface LogRecordL7 {
  readonly proto: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** @see cilium:pkg/proxy/accesslog/record.go#LogRecord */
export interface LogRecord {
  readonly type: 'Request' | 'Response';
  readonly observationPoint: 'Ingress' | 'Egress';
  readonly verdict: 'Forwarded' | 'Denied' | 'Error' | 'Redirected';
  readonly source: EndpointInfo;
  readonly destination: EndpointInfo;
  /** TCP where it is not said. */
  readonly transport?: 'TCP' | 'UDP';
  readonly http?: LogRecordHttp | undefined;
  readonly kafka?: LogRecordKafka | undefined;
  readonly dns?: LogRecordDns | undefined;
  readonly l7?: LogRecordL7 | undefined;
}

/** The protocol word of the monitor's line. @see cilium:pkg/monitor/logrecord.go#LogRecordNotify.l7Proto */
export function l7Proto(record: LogRecord): string {
  if (record.http !== undefined) {
    return 'http';
  }
  if (record.kafka !== undefined) {
    return 'kafka';
  }
  if (record.dns !== undefined) {
    return 'dns';
  }
  return record.l7?.proto ?? 'unknown-l7';
}
