/**
 * The admin pages, on `/var/run/cilium/envoy-admin.sock` for the agent and the bug tool.
 * @see envoy:source/server/admin/admin.cc#AdminImpl
 */
import type { ListenerManager } from '../network/listener_manager.ts';
import type { ServerContext } from '../server_context.ts';
import { bootstrapNode, configDump } from './config_dump.ts';

/** An answer. */
export interface AdminResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const TEXT = 'text/plain; charset=UTF-8';
const JSON_TYPE = 'application/json';

/** Pages that change something want POST. */
const MUTATING: readonly string[] = [
  '/quitquitquit',
  '/reset_counters',
  '/logging',
  '/drain_listeners',
  '/healthcheck/fail',
  '/healthcheck/ok',
  '/runtime_modify',
  '/reopen_logs',
  '/cpuprofiler',
  '/heapprofiler',
];

const HELP: readonly (readonly [string, string])[] = [
  ['/', 'Admin home page'],
  ['/certs', 'print certs on machine'],
  ['/clusters', 'upstream cluster status'],
  ['/config_dump', 'dump current Envoy configs (experimental)'],
  ['/drain_listeners', 'drain listeners'],
  ['/help', 'print out list of admin commands'],
  ['/listeners', 'print listener info'],
  ['/logging', 'query/change logging levels'],
  ['/memory', 'print current allocation/heap usage'],
  ['/quitquitquit', 'exit the server'],
  ['/ready', 'print server state, return 200 if LIVE, otherwise return 503'],
  ['/reset_counters', 'reset all counters to zero'],
  ['/runtime', 'print runtime values'],
  ['/server_info', 'print server version/status information'],
  ['/stats', 'print server stats'],
  ['/stats/prometheus', 'print server stats in prometheus format'],
];

/** The pages of one process. */
export class Admin {
  readonly #context: ServerContext;
  readonly #listeners: ListenerManager;
  readonly #quit: () => void;

  constructor(context: ServerContext, listeners: ListenerManager, quit: () => void) {
    this.#context = context;
    this.#listeners = listeners;
    this.#quit = quit;
  }

  /** Answers a GET. @param target path with query */
  get(target: string): AdminResponse {
    const { path, query } = parseTarget(target);
    return MUTATING.includes(path) ? { status: 405, contentType: TEXT, body: `Method Not Allowed` } : this.#page(path, query);
  }

  /** Answers a POST. @param target path with query */
  post(target: string): AdminResponse {
    const { path, query } = parseTarget(target);
    switch (path) {
      case '/quitquitquit':
        this.#quit();
        return ok('OK\n');
      case '/reset_counters':
        for (const stat of this.#context.stats.sorted()) {
          stat.value = 0;
        }
        return ok('OK\n');
      case '/logging':
      case '/drain_listeners':
      case '/healthcheck/fail':
      case '/healthcheck/ok':
      case '/reopen_logs':
        return ok('OK\n');
      default:
        return this.#page(path, query);
    }
  }

  #page(path: string, query: ReadonlyMap<string, string>): AdminResponse {
    switch (path) {
      case '/config_dump':
        return configDump(this.#context, this.#listeners, query);
      case '/listeners':
        return this.#listenersPage(query);
      case '/clusters':
        return ok(this.#clustersText());
      case '/stats':
        return ok(
          this.#context.stats
            .sorted()
            .map((stat) => `${stat.name}: ${stat.value}\n`)
            .join(''),
        );
      case '/stats/prometheus':
        return ok(
          this.#context.stats
            .sorted()
            .map((stat) => `envoy_${stat.name.replace(/[^A-Za-z0-9_]/g, '_')}{} ${stat.value}\n`)
            .join(''),
        );
      case '/server_info':
        return json(this.#serverInfo());
      case '/ready':
        return ok('LIVE\n');
      case '/certs':
        return json({ certificates: [] });
      case '/runtime':
        return json({
          layers: ['static_layer_0'],
          entries: { 'overload.global_downstream_max_connections': { layer_values: ['50000'], final_value: '50000' } },
        });
      case '/memory':
        return json({
          allocated: '0',
          heap_size: '0',
          pageheap_unmapped: '0',
          pageheap_free: '0',
          total_thread_cache: '0',
          total_physical_bytes: '0',
        });
      case '/hot_restart_version':
        return ok('disabled');
      case '/':
      case '/help':
        return ok(`admin commands are:\n${HELP.map(([name, text]) => `  ${name}: ${text}\n`).join('')}`);
      default:
        return {
          status: 404,
          contentType: TEXT,
          body: `invalid path. admin commands are:\n${HELP.map(([name, text]) => `  ${name}: ${text}\n`).join('')}`,
        };
    }
  }

  #listenersPage(query: ReadonlyMap<string, string>): AdminResponse {
    const entries = this.#listeners
      .entries()
      .map(({ listener }) => ({ name: listener.config.name, address: listener.config.address.socket_address }));
    if (query.get('format') === 'json') {
      return json({
        listener_statuses: entries.map(({ name, address }) => ({
          name,
          local_address: { socket_address: { address: address.address, port_value: address.port_value } },
        })),
      });
    }
    return ok(entries.map(({ name, address }) => `${name}::${address.address}:${address.port_value}\n`).join(''));
  }

  /** @see envoy:source/server/admin/clusters_handler.cc#ClustersHandler::writeClustersAsText */
  #clustersText(): string {
    let text = '';
    for (const cluster of this.#context.clusters.all()) {
      text += `${cluster.name}::observability_name::${cluster.name}\n`;
      text += `${cluster.name}::default_priority::max_connections::1024\n${cluster.name}::default_priority::max_pending_requests::1024\n`;
      text += `${cluster.name}::default_priority::max_requests::1024\n${cluster.name}::default_priority::max_retries::3\n`;
      text += `${cluster.name}::added_via_api::false\n`;
      for (const host of cluster.hosts()) {
        const active = host.pools().reduce((sum, pool) => sum + pool.counts.ready + pool.counts.connecting + pool.counts.busy, 0);
        text += `${cluster.name}::${host.address.text}::cx_active::${active}\n${cluster.name}::${host.address.text}::health_flags::healthy\n`;
      }
    }
    return text;
  }

  #serverInfo(): object {
    const uptime = Math.floor((this.#context.dispatcher.clock.now() - this.#context.startedAt) / 1_000_000_000);
    return {
      version: this.#context.options.version,
      state: 'LIVE',
      hot_restart_version: 'disabled',
      command_line_options: { base_id: '0', config_path: '/var/run/cilium/bootstrap.pb', log_level: 'info' },
      node: bootstrapNode(this.#context.options.nodeId),
      uptime_current_epoch: `${uptime}s`,
      uptime_all_epochs: `${uptime}s`,
    };
  }
}

function ok(body: string): AdminResponse {
  return { status: 200, contentType: TEXT, body };
}

function json(value: object): AdminResponse {
  return { status: 200, contentType: JSON_TYPE, body: JSON.stringify(value, null, 1) };
}

function parseTarget(target: string): { readonly path: string; readonly query: ReadonlyMap<string, string> } {
  const mark = target.indexOf('?');
  const query = new Map<string, string>();
  for (const part of mark < 0 ? [] : target.slice(mark + 1).split('&')) {
    const equals = part.indexOf('=');
    query.set(equals < 0 ? part : part.slice(0, equals), equals < 0 ? '' : unescape(part.slice(equals + 1)));
  }
  return { path: mark < 0 ? target : target.slice(0, mark), query };
}

function unescape(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_escape, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
