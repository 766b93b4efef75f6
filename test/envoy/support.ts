/** A proxy in a test tube: fake sockets, an xDS server, a backend, and clients. */
import { Envoy, type EnvoyOptions } from '../../src/envoy/envoy.ts';
import { BpfFs } from '../../src/kernel/bpffs.ts';
import type { TcpSocket } from '../../src/kernel/socket.ts';
import { type CtMap, newCtMap, zeroCtEntry } from '../../src/maps/ctmap.ts';
import { ipcacheKey4, newIpcacheMap } from '../../src/maps/ipcache.ts';
import { concatBytes, fromLatin1, latin1 } from '../../src/net/bytes.ts';
import { type Ipv4, parseIpv4 } from '../../src/net/ipv4.ts';
import { SECOND, SimClock } from '../../src/sim/clock.ts';
import { Journey } from '../../src/sim/journey.ts';
import { Rng } from '../../src/sim/rng.ts';
import { SimScheduler } from '../../src/sim/scheduler.ts';
import type { LogEntry } from '../../src/xds/access_log.ts';
import type { BpfMetadataConfig, FilterConfig, Listener } from '../../src/xds/listener.ts';
import type { NetworkPolicy } from '../../src/xds/npds.ts';
import type { NetworkPolicyHosts } from '../../src/xds/nphds.ts';
import {
  type DiscoveryRequest,
  type DiscoveryResponse,
  LISTENER_TYPE_URL,
  type NamedResource,
  NETWORK_POLICY_HOSTS_TYPE_URL,
  NETWORK_POLICY_TYPE_URL,
  type TypeUrl,
  type XdsServer,
  type XdsStream,
} from '../../src/xds/stream.ts';
import { FakeNet, type FakeSocket } from '../support/fake_sockets.ts';

export const POD = '10.0.0.111';
export const CLIENT = '10.0.0.123';
export const PROXY_PORT = 19313;
export const WALL = 1_687_255_200_000; // Tue, 20 Jun 2023 10:00:00 GMT
export const REQUEST_ID = 'xxxxxxxx-xxxx-4xxx-xxxx-xxxxxxxxxxxx';

export function ip(text: string): Ipv4 {
  return parseIpv4(text) as Ipv4;
}

/** Serves whatever the test sets, state of the world. */
export class FakeXds implements XdsServer {
  readonly requests: DiscoveryRequest[] = [];
  readonly #scheduler: SimScheduler;
  readonly #resources = new Map<TypeUrl, { version: number; resources: readonly NamedResource[] }>();
  readonly #streams: { types: Set<TypeUrl>; onResponse: (response: DiscoveryResponse) => void }[] = [];

  constructor(scheduler: SimScheduler) {
    this.#scheduler = scheduler;
  }

  set(typeUrl: TypeUrl, resources: readonly NamedResource[]): void {
    const version = (this.#resources.get(typeUrl)?.version ?? 0) + 1;
    this.#resources.set(typeUrl, { version, resources });
    for (const stream of this.#streams) {
      if (stream.types.has(typeUrl)) {
        this.#send(stream, typeUrl);
      }
    }
  }

  open(onResponse: (response: DiscoveryResponse) => void): XdsStream {
    const stream = { types: new Set<TypeUrl>(), onResponse };
    this.#streams.push(stream);
    return {
      send: (request) =>
        void this.#scheduler.after(0, 'xds request', () => {
          this.requests.push(request);
          if (!stream.types.has(request.typeUrl)) {
            stream.types.add(request.typeUrl);
            this.#send(stream, request.typeUrl);
          }
        }),
      close: () => void this.#streams.splice(this.#streams.indexOf(stream), 1),
    };
  }

  /** The latest acknowledgement of a type. */
  last(typeUrl: TypeUrl): DiscoveryRequest | undefined {
    return this.requests.filter((request) => request.typeUrl === typeUrl).at(-1);
  }

  #send(stream: { onResponse: (response: DiscoveryResponse) => void }, typeUrl: TypeUrl): void {
    const state = this.#resources.get(typeUrl);
    if (state !== undefined) {
      const response = { typeUrl, versionInfo: String(state.version), nonce: String(state.version), resources: state.resources };
      this.#scheduler.after(0, 'xds response', () => stream.onResponse(response));
    }
  }
}

export interface ListenerChoices {
  readonly ingress?: boolean;
  readonly normalize?: boolean;
  readonly port?: number;
  readonly metadata?: Partial<BpfMetadataConfig>;
}

/** The listener the agent writes. */
export function httpListener(choices: ListenerChoices = {}): Listener {
  const ingress = choices.ingress ?? true;
  const port = choices.port ?? PROXY_PORT;
  const cluster = ingress ? 'ingress-cluster' : 'egress-cluster';
  const route = (name: string, grpc: boolean) => ({
    match: { prefix: '/', ...(grpc ? { grpc: {} } : {}) },
    route: {
      cluster: name,
      timeout: '3600s',
      ...(grpc ? { max_stream_duration: { grpc_timeout_header_max: '0s' } } : {}),
      retry_policy: { retry_on: '5xx', num_retries: 3, per_try_timeout: '0s' },
    },
  });
  const filters = (name: string): FilterConfig[] => [
    { name: 'cilium.network' },
    {
      name: 'envoy.filters.network.http_connection_manager',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
        stat_prefix: 'proxy',
        http_filters: [
          {
            name: 'cilium.l7policy',
            typed_config: { '@type': 'type.googleapis.com/cilium.L7Policy', access_log_path: '/var/run/cilium/access_log.sock' },
          },
          { name: 'envoy.filters.http.router' },
        ],
        route_config: { virtual_hosts: [{ name: 'default_route', domains: ['*'], routes: [route(name, true), route(name, false)] }] },
        stream_idle_timeout: '0s',
        ...(choices.normalize === false
          ? {}
          : { normalize_path: true, merge_slashes: true, path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT' }),
      },
    },
  ];
  return {
    name: `cilium-http-${ingress ? 'ingress' : 'egress'}:${port}`,
    address: { socket_address: { address: '0.0.0.0', port_value: port } },
    filter_chains: [
      { filters: filters(cluster) },
      {
        filter_chain_match: { transport_protocol: 'tls' },
        filters: filters(`${cluster}-tls`),
        transport_socket: { name: 'cilium.tls_wrapper' },
      },
    ],
    listener_filters: [
      { name: 'envoy.filters.listener.tls_inspector' },
      {
        name: 'cilium.bpf_metadata',
        typed_config: {
          '@type': 'type.googleapis.com/cilium.BpfMetadata',
          bpf_root: '/sys/fs/bpf',
          ...(ingress ? { is_ingress: true } : {}),
          ...choices.metadata,
        },
      },
    ],
    transparent: true,
    socket_options: [
      { description: 'Listener socket mark', level: '1', name: '36', int_value: ingress ? '2560' : '2816', state: 'STATE_PREBIND' },
    ],
  };
}

/** The listener for everything that is not HTTP. */
export function tcpListener(): Listener {
  const http = httpListener();
  const filters = (cluster: string): FilterConfig[] => [
    { name: 'cilium.network', typed_config: { '@type': 'type.googleapis.com/cilium.NetworkFilter', proxylib: 'libcilium.so' } },
    {
      name: 'envoy.filters.network.tcp_proxy',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
        stat_prefix: 'tcp_proxy',
        cluster,
      },
    },
  ];
  return {
    ...http,
    name: `cilium-proxylib-ingress:${PROXY_PORT}`,
    filter_chains: [
      { filters: filters('ingress-cluster') },
      {
        filter_chain_match: { transport_protocol: 'tls' },
        filters: filters('ingress-cluster-tls'),
        transport_socket: { name: 'cilium.tls_wrapper' },
      },
    ],
  };
}

/** The article's policy: POST /v1/request-landing only. */
export function landingPolicy(): NetworkPolicy {
  const header = (name: string, regex: string) => ({ name, safe_regex_match: { google_re2: {}, regex } });
  return {
    endpoint_ips: [POD],
    endpoint_id: 863,
    ingress_per_port_policies: [
      {
        port: 80,
        rules: [{ http_rules: { http_rules: [{ headers: [header(':method', 'POST'), header(':path', '/v1/request-landing')] }] } }],
      },
    ],
    egress_per_port_policies: [{}],
    conntrack_map_name: 'global',
  };
}

/** A policy that lets everything pass. */
export function allowAll(podIp = POD): NetworkPolicy {
  return {
    endpoint_ips: [podIp],
    endpoint_id: 863,
    ingress_per_port_policies: [{}],
    egress_per_port_policies: [{}],
    conntrack_map_name: 'global',
  };
}

/** What a backend does with a request; the default answers 200. */
export type Backend = (socket: TcpSocket, received: string, all: string) => void;

/** A client's connection. */
export class TestClient {
  received = '';
  ended = false;
  error: string | null = null;
  readonly socket: FakeSocket;

  constructor(net: FakeNet, from: string, to: string, port: number) {
    const before = net.defaultAddress;
    net.defaultAddress = ip(from);
    this.socket = net.connect({
      remote: { address: ip(to), port },
      handlers: {
        onData: (_socket, bytes) => {
          this.received += fromLatin1(bytes);
        },
        onEnd: () => {
          this.ended = true;
        },
        onError: (_socket, errno) => {
          this.error = errno;
        },
      },
    }) as FakeSocket;
    net.defaultAddress = before;
  }

  send(text: string): void {
    this.socket.write(latin1(text));
  }
}

export interface RigOptions {
  readonly listener?: Listener | null;
  readonly policies?: readonly NetworkPolicy[];
  readonly hosts?: readonly NetworkPolicyHosts[];
  readonly backend?: Backend | null;
  readonly envoy?: EnvoyOptions;
  readonly bpf?: boolean;
  readonly recording?: boolean;
  readonly wall?: number;
  readonly seed?: number;
}

/** Everything around one proxy. */
export class Rig {
  readonly clock: SimClock;
  readonly scheduler: SimScheduler;
  readonly journey: Journey;
  readonly net: FakeNet;
  readonly xds: FakeXds;
  readonly bpffs = new BpfFs();
  readonly ct: CtMap = newCtMap('cilium_ct4_global', 1000);
  readonly ipcache = newIpcacheMap(1000);
  readonly logs: LogEntry[] = [];
  readonly envoy: Envoy;
  /** What the backend received, by connection. */
  readonly backendReceived: string[] = [];
  readonly backendSockets: TcpSocket[] = [];

  constructor(options: RigOptions = {}) {
    this.clock = new SimClock(1000 * SECOND, options.wall ?? WALL);
    this.scheduler = new SimScheduler(this.clock);
    this.journey = new Journey(() => this.clock.now());
    this.journey.recording = options.recording ?? false;
    this.net = new FakeNet(this.scheduler);
    this.xds = new FakeXds(this.scheduler);
    if (options.bpf !== false) {
      this.bpffs.pin('cilium_ct4_global', this.ct);
      this.bpffs.pin('cilium_ipcache', this.ipcache);
    }
    this.identity(CLIENT, 29439);
    this.identity(POD, 2033);
    this.envoy = new Envoy({
      scheduler: this.scheduler,
      rng: new Rng(options.seed ?? 1),
      journey: this.journey,
      sockets: this.net,
      bpffs: this.bpffs,
      xds: this.xds,
      accessLog: { log: (entry) => void this.logs.push(entry) },
      options: { requestIds: [REQUEST_ID], ...options.envoy },
    });
    const listener = options.listener === undefined ? httpListener() : options.listener;
    this.listeners(listener === null ? [] : [listener]);
    this.policies(options.policies ?? [landingPolicy()]);
    this.xds.set(
      NETWORK_POLICY_HOSTS_TYPE_URL,
      (options.hosts ?? []).map((hosts) => ({ name: String(hosts.policy), resource: hosts })),
    );
    this.net.redirect({ address: ip(POD), port: 80 }, PROXY_PORT);
    if (options.backend !== null) {
      this.serve(POD, 80, options.backend ?? answer(OK_RESPONSE));
    }
    this.envoy.start();
    this.settle();
  }

  identity(address: string, identity: number): void {
    this.ipcache.update(ipcacheKey4(ip(address)), { secLabel: identity, tunnelEndpoint: 0, nodeId: 0, key: 0 });
  }

  conntrack(client: string, clientPort: number, server: string, port: number, ingress: boolean, identity: number): void {
    this.ct.update(
      { daddr: ip(client), saddr: ip(server), dport: port, sport: clientPort, nexthdr: 6, flags: ingress ? 1 : 0 },
      { ...zeroCtEntry(), srcSecId: identity },
    );
  }

  policies(policies: readonly NetworkPolicy[]): void {
    this.xds.set(
      NETWORK_POLICY_TYPE_URL,
      policies.map((policy) => ({ name: String(policy.endpoint_id), resource: policy })),
    );
  }

  listeners(listeners: readonly Listener[]): void {
    this.xds.set(
      LISTENER_TYPE_URL,
      listeners.map((listener) => ({ name: listener.name, resource: listener })),
    );
  }

  serve(address: string, port: number, backend: Backend): void {
    this.net.listen({
      local: { address: ip(address), port },
      onAccept: (socket) => {
        const index = this.backendSockets.push(socket) - 1;
        this.backendReceived.push('');
        return {
          onData: (_socket, bytes) => {
            const text = fromLatin1(bytes);
            this.backendReceived[index] += text;
            backend(socket, text, this.backendReceived[index] as string);
          },
          onEnd: () => socket.close(),
        };
      },
    });
  }

  client(from = CLIENT, to = POD, port = 80): TestClient {
    return new TestClient(this.net, from, to, port);
  }

  /** Runs what is due now, and a little later. */
  settle(nanos = 0): void {
    this.scheduler.runUntil(this.clock.now() + nanos);
  }

  /** One request on a fresh connection, and what the client got. */
  ask(request: string, nanos = 0): string {
    const client = this.client();
    client.send(request);
    this.settle(nanos);
    return client.received;
  }

  /** Entry types of the access log. */
  logTypes(): string[] {
    return this.logs.map((entry) => entry.entry_type);
  }

  /** The proxy's ends of its upstream connections. */
  upstreams(): FakeSocket[] {
    return this.net.connections.filter(([client]) => client.mark !== 0).map(([client]) => client);
  }
}

export const OK_RESPONSE =
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Tue, 20 Jun 2023 10:00:00 GMT\r\nContent-Length: 12\r\n\r\nShip landed\n';

/** A backend that answers every chunk that holds the end of a head. */
export function answer(response: string): Backend {
  return (socket, received) => {
    if (received.includes('\r\n\r\n')) {
      socket.write(latin1(response));
    }
  };
}

export const LANDING =
  'POST /v1/request-landing HTTP/1.1\r\nHost: deathstar.default.svc.cluster.local\r\nUser-Agent: curl/7.52.1\r\nAccept: */*\r\n\r\n';
export const EXHAUST = LANDING.replace('POST /v1/request-landing', 'PUT /v1/exhaust-port');

/** All bytes a socket sent, as text. */
export function sentText(socket: FakeSocket): string {
  return fromLatin1(concatBytes(socket.sent));
}
