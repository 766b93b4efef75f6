/**
 * The proxy process: what `cilium-envoy` is to a node. Made from the node's sockets, BPF file system and the agent's two sockets (xDS and access log).
 * @see envoy:source/server/server.cc#InstanceImpl
 * @see proxy:cilium/bpf_metadata.cc#Config
 */
import type { BpfFs } from '../kernel/bpffs.ts';
import type { SocketLayer } from '../kernel/socket.ts';
import type { Nanos } from '../sim/clock.ts';
import { SECOND } from '../sim/clock.ts';
import type { Journey } from '../sim/journey.ts';
import type { Rng } from '../sim/rng.ts';
import type { Scheduler } from '../sim/scheduler.ts';
import type { AccessLogSink } from '../xds/access_log.ts';
import type { XdsServer } from '../xds/stream.ts';
import { Admin } from './admin/admin.ts';
import { CdsApi } from './config/cds_api.ts';
import { LdsApi } from './config/lds_api.ts';
import { ListenerManager } from './network/listener_manager.ts';
import { ServerContext } from './server_context.ts';

/** What the proxy is told on its command line and in its bootstrap file. */
export interface EnvoyOptions {
  /** Bootstrap node id. @see cilium:pkg/envoy/server.go#createBootstrap */
  readonly nodeId?: string;
  /** An instant (nanoseconds since boot) at which the 1.5 s clean-up timer of the clusters fires; default: 1.5 s after `start`. */
  readonly cleanupPhase?: Nanos;
  /** Connect timeout of the clusters; default 1 s. @see cilium:pkg/option/config.go#ProxyConnectTimeout */
  readonly proxyConnectTimeout?: Nanos;
  /** Values for the first generated x-request-id headers; later ones are random. */
  readonly requestIds?: readonly string[];
  /** Largest accepted RE2 program; default 100. @see envoy:source/common/common/regex.cc#CompiledGoogleReMatcher */
  readonly maxRegexProgramSize?: number;
  /** Version text of `/server_info`; default the 1.23.9 build. */
  readonly version?: string;
}

/** What the proxy is built from. */
export interface EnvoyDeps {
  readonly scheduler: Scheduler;
  readonly rng: Rng;
  readonly journey: Journey;
  /** Sockets of the host's network namespace. */
  readonly sockets: SocketLayer;
  readonly bpffs: BpfFs;
  /** `/var/run/cilium/xds.sock`. */
  readonly xds: XdsServer;
  /** `/var/run/cilium/access_log.sock`. */
  readonly accessLog: AccessLogSink;
  readonly options?: EnvoyOptions;
}

/** One run of the proxy process. A stopped proxy is not started again: make a new one, as the agent does. */
export class Envoy {
  /** `/var/run/cilium/envoy-admin.sock`. */
  readonly admin: Admin;
  readonly #context: ServerContext;
  readonly #listeners: ListenerManager;
  readonly #cds: CdsApi;
  readonly #lds: LdsApi;
  #state: 'created' | 'running' | 'stopped' = 'created';

  constructor(deps: EnvoyDeps) {
    const options = deps.options ?? {};
    this.#context = new ServerContext(deps, {
      nodeId: options.nodeId ?? 'host~127.0.0.1~no-id~localdomain',
      cleanupPhase: options.cleanupPhase ?? null,
      proxyConnectTimeout: options.proxyConnectTimeout ?? SECOND,
      requestIds: options.requestIds ?? [],
      maxRegexProgramSize: options.maxRegexProgramSize ?? 100,
      version: options.version ?? '0/1.23.9/Distribution/RELEASE/BoringSSL',
    });
    this.#listeners = new ListenerManager(this.#context);
    this.#cds = new CdsApi(this.#context);
    this.#lds = new LdsApi(this.#context, this.#listeners);
    this.admin = new Admin(this.#context, this.#listeners, this.#cds, () => this.stop());
  }

  /** Starts the process: clusters come up and the listener stream to the agent opens. */
  start(): void {
    if (this.#state !== 'created') {
      return;
    }
    this.#state = 'running';
    this.#context.start();
    this.#cds.start();
    this.#lds.start();
  }

  /** Ends the process: every socket is reset, every stream closed, no callback runs any more. */
  stop(): void {
    if (this.#state === 'stopped') {
      return;
    }
    this.#state = 'stopped';
    this.#lds.close();
    this.#cds.close();
    this.#listeners.abort();
    this.#context.stop();
  }

  /** Whether the process runs. */
  get running(): boolean {
    return this.#state === 'running';
  }
}
