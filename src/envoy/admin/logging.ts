/**
 * Levels of the proxy's loggers. They are kept and shown; the model writes no log of its own.
 * @see envoy:source/server/admin/logs_handler.cc#LogsHandler::handlerLogging
 */

/** Levels, from the most talkative. */
const LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'];

/** @see envoy:source/common/common/logger.h#ALL_LOGGER_IDS */
const LOGGERS = (
  'admin alternate_protocols_cache aws assert backtrace cache_filter client config connection conn_handler decompression dns dubbo envoy_bug ' +
  'ext_authz ext_proc rocketmq file filter forward_proxy grpc happy_eyeballs hc health_checker http http2 hystrix init io jwt kafka ' +
  'key_value_store lua main matcher misc mongo multi_connection oauth2 quic quic_stream pool rbac rds redis router runtime stats secret tap ' +
  'testing thrift tracing upstream udp wasm websocket'
).split(' ');

/** The loggers. */
export class Loggers {
  readonly #levels = new Map<string, string>(LOGGERS.map((name) => [name, 'info']));

  /** Changes levels as the query says; `false`: it says nothing that can be done. An empty query changes nothing. */
  change(query: ReadonlyMap<string, string>): boolean {
    if (query.size === 0) {
      return true;
    }
    const [name, value] = [...query][0] as [string, string];
    if (query.size > 1) {
      return false;
    }
    const changes: (readonly [string, string])[] =
      name === 'level'
        ? LOGGERS.map((logger) => [logger, value])
        : name === 'paths'
          ? value.split(',').map((part) => [part.split(':')[0] ?? '', part.split(':')[1] ?? ''])
          : [[name, value]];
    if (changes.some(([logger, level]) => !this.#levels.has(logger) || !LEVELS.includes(level))) {
      return false;
    }
    for (const [logger, level] of changes) {
      this.#levels.set(logger, level);
    }
    return true;
  }

  /** The page, after a change that was made or not. */
  text(changed: boolean): string {
    const usage = changed
      ? ''
      : 'usage: /logging?<name>=<level> (change single level)\nusage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)\n' +
        `usage: /logging?level=<level> (change all levels)\nlevels: ${LEVELS.join(' ')} \n`;
    return `${usage}active loggers:\n${[...this.#levels].map(([name, level]) => `  ${name}: ${level}\n`).join('')}\n`;
  }
}
