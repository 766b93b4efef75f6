/**
 * The admin pages, on `/var/run/cilium/envoy-admin.sock` for the agent and the bug tool.
 * @see envoy:source/server/admin/admin.cc#AdminImpl
 */
import type { CdsApi } from '../config/cds_api.ts';
import type { ListenerManager } from '../network/listener_manager.ts';
import type { ServerContext } from '../server_context.ts';
import { clustersText } from './clusters_page.ts';
import { bootstrapNode, configDump } from './config_dump.ts';
import { ADMIN_PAGES, helpText } from './help.ts';
import { Loggers } from './logging.ts';
import { statsPage } from './stats_page.ts';

/** An answer. */
export interface AdminResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const TEXT = 'text/plain; charset=UTF-8';
const JSON_TYPE = 'application/json';

/** The pages of one process. */
export class Admin {
  readonly #context: ServerContext;
  readonly #listeners: ListenerManager;
  readonly #cds: CdsApi;
  readonly #quit: () => void;
  readonly #loggers = new Loggers();

  constructor(context: ServerContext, listeners: ListenerManager, cds: CdsApi, quit: () => void) {
    this.#context = context;
    this.#listeners = listeners;
    this.#cds = cds;
    this.#quit = quit;
  }

  /** Answers a GET. @param target path with query */
  get(target: string): AdminResponse {
    return this.request('GET', target);
  }

  /** Answers a POST. @param target path with query */
  post(target: string): AdminResponse {
    return this.request('POST', target);
  }

  /** Answers a request: what changes something wants POST. @see envoy:source/server/admin/admin.cc#AdminImpl::runCallback */
  request(method: string, target: string): AdminResponse {
    const { path, query } = parseTarget(target);
    const page = ADMIN_PAGES.find((one) => one.path === path);
    if (page === undefined) {
      return { status: 404, contentType: TEXT, body: `invalid path. ${helpText()}` };
    }
    if (page.mutates && method !== 'POST') {
      return { status: 405, contentType: TEXT, body: `Method ${method} not allowed, POST required.` };
    }
    return page.mutates ? this.#change(path, query) : this.#page(path, query);
  }

  #change(path: string, query: ReadonlyMap<string, string>): AdminResponse {
    switch (path) {
      case '/quitquitquit':
        this.#quit();
        return ok('OK\n');
      case '/reset_counters':
        for (const stat of this.#context.stats.sorted()) {
          stat.value = 0;
        }
        return ok('OK\n');
      case '/logging': {
        const changed = this.#loggers.change(query);
        return { status: changed ? 200 : 404, contentType: TEXT, body: this.#loggers.text(changed) };
      }
      default:
        return ok('OK\n');
    }
  }

  #page(path: string, query: ReadonlyMap<string, string>): AdminResponse {
    switch (path) {
      case '/config_dump':
        return configDump({ context: this.#context, listeners: this.#listeners, cds: this.#cds }, query);
      case '/listeners':
        return this.#listenersPage(query);
      case '/clusters':
        return ok(clustersText(this.#context));
      case '/stats':
        return this.#stats(query);
      case '/stats/prometheus':
        return this.#stats(new Map([...query, ['format', 'prometheus']]));
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
        return json(NO_MEMORY);
      case '/init_dump':
        return json({});
      case '/contention':
        return ok('Mutex contention tracing is not enabled. To enable, run Envoy with flag --enable-mutex-tracing.');
      case '/hot_restart_version':
        return ok('disabled');
      case '/stats/recentlookups':
        return ok('Lookup tracking is not enabled. Use /stats/recentlookups/enable to enable.\n');
      default:
        return ok(helpText());
    }
  }

  #stats(query: ReadonlyMap<string, string>): AdminResponse {
    const page = statsPage(this.#context.stats, query);
    return { status: page.ok ? 200 : 400, contentType: page.json ? JSON_TYPE : TEXT, body: page.body };
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

const NO_MEMORY = {
  allocated: '0',
  heap_size: '0',
  pageheap_unmapped: '0',
  pageheap_free: '0',
  total_thread_cache: '0',
  total_physical_bytes: '0',
};

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
