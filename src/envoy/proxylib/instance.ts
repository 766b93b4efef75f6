/**
 * The library opened by the proxy: its own copy of the policies, kept by its own NPDS client, and its way to the access log.
 * @see cilium:proxylib/proxylib/instance.go#Instance
 * @remarks Simplified: an instance lives as long as the process; the real one is closed with the last listener that names its parameters.
 */
import { fromUtf8, latin1, utf8 } from '../../net/bytes.ts';
import type { EntryType } from '../../xds/access_log.ts';
import type { NetworkPolicy } from '../../xds/npds.ts';
import { validateNetworkPolicy } from '../cilium/network_policy_map.ts';
import type { ServerContext } from '../server_context.ts';
import { type ConnectionHost, type ConnectionStart, type L7LogPart, ProxylibConnection } from './connection.ts';
import { InjectBuffer } from './inject_buffer.ts';
import { NpdsClient } from './npds_client.ts';
import type { FilterResult } from './parser.ts';
import { ProxylibPolicy } from './policy_map.ts';
import { PARSER_FACTORIES } from './registry.ts';

/** Parameters it knows. @see cilium:proxylib/libcilium/proxylib.go#OpenModule */
const KNOWN_PARAMS: readonly string[] = ['access-log-path', 'xds-path', 'node-id'];

/** The policies in force by address. */
type PolicyMap = ReadonlyMap<string, ProxylibPolicy>;

/** An instance. */
export class ProxylibInstance implements ConnectionHost {
  readonly nodeId: string;
  readonly #context: Pick<ServerContext, 'wallNanos' | 'accessLog' | 'journey'>;
  /** Replaced as a whole. */
  #policies: PolicyMap = new Map();

  constructor(context: Pick<ServerContext, 'wallNanos' | 'accessLog' | 'journey'>, nodeId: string) {
    this.#context = context;
    this.nodeId = nodeId;
  }

  /**
   * Replaces all policies, or says why not: then the old ones stay.
   * @see cilium:proxylib/proxylib/instance.go#Instance.PolicyUpdate
   */
  policyUpdate(resources: readonly NetworkPolicy[]): string | null {
    const policies = new Map<string, ProxylibPolicy>();
    for (const proto of resources) {
      const [first] = proto.endpoint_ips;
      if (first === undefined) {
        return 'NPDS: Policy has no endpoint_ips';
      }
      const old = this.#policies.get(first);
      const policy = old !== undefined && JSON.stringify(old.proto) === JSON.stringify(proto) ? old : compile(proto);
      if (typeof policy === 'string') {
        return policy;
      }
      for (const ip of proto.endpoint_ips) {
        policies.set(ip, policy);
      }
    }
    this.#policies = policies;
    return null;
  }

  /**
   * A connection with its parser, or why there is none.
   * @see cilium:proxylib/proxylib/connection.go#NewConnection
   */
  newConnection(
    start: ConnectionStart,
    origBuffer = new InjectBuffer(),
    replyBuffer = new InjectBuffer(),
  ): ProxylibConnection | FilterResult {
    const create = PARSER_FACTORIES.get(start.proto);
    if (create === undefined) {
      return 'UNKNOWN_PARSER';
    }
    const [, port] = /^(?:\[[^\]]*\]|[^:]*):(\d+)$/.exec(start.destination) ?? [];
    if (port === undefined || Number(port) === 0 || Number(port) > 0xffff_ffff) {
      return 'INVALID_ADDRESS';
    }
    const connection = new ProxylibConnection(this, start, Number(port), origBuffer, replyBuffer);
    const parser = create(connection);
    if (parser === null) {
      return 'POLICY_DROP';
    }
    connection.use(parser);
    return connection;
  }

  policyMatches(policyName: string, ingress: boolean, port: number, remoteId: number, l7: unknown): boolean {
    return this.#policies.get(policyName)?.matches(ingress, port, remoteId, l7) ?? false;
  }

  /** @see cilium:proxylib/accesslog/client.go#Client.Log */
  log(start: ConnectionStart, type: EntryType, l7: L7LogPart): void {
    const { journey, accessLog } = this.#context;
    const part = marshalled(l7);
    if (part === null) {
      // "Accesslog: Protobuf marshaling error", and nobody hears of the request.
      return;
    }
    const ends = {
      source: start.source,
      sourceIdentity: start.sourceId,
      destination: start.destination,
      destinationIdentity: start.destinationId,
    };
    if (journey.recording) {
      journey.add({
        kind: 'emit',
        actor: 'envoy',
        fn: 'Connection.Log',
        see: 'cilium:proxylib/proxylib/connection.go#Connection.Log',
        event: 'access-log',
        data: { type, policyName: start.policyName, ingress: start.ingress, ...ends, l7: l7Text(start.proto, part) },
      });
    }
    accessLog.log({
      timestamp: this.#context.wallNanos(),
      is_ingress: start.ingress,
      entry_type: type,
      policy_name: start.policyName,
      cilium_rule_ref: '',
      source_security_id: start.sourceId,
      destination_security_id: start.destinationId,
      source_address: start.source,
      destination_address: start.destination,
      ...part,
    });
  }
}

/** The instances of a process. @see cilium:proxylib/proxylib/instance.go#OpenInstance */
export class ProxylibModule {
  readonly #context: ServerContext;
  readonly #instances = new Map<string, { readonly instance: ProxylibInstance; readonly client: NpdsClient | null }>();

  constructor(context: ServerContext) {
    this.#context = context;
  }

  /** The instance of these parameters, or the text of the exception. @see proxy:cilium/proxylib.cc#GoFilter::GoFilter */
  open(library: string, params: Readonly<Record<string, string>>): ProxylibInstance | string {
    if (Object.keys(params).some((key) => !KNOWN_PARAMS.includes(key))) {
      return `cilium.network: '${library}::OpenModule()' rejected parameters`;
    }
    const key = KNOWN_PARAMS.map((name) => params[name] ?? '').join(' ');
    const open = this.#instances.get(key);
    if (open !== undefined) {
      return open.instance;
    }
    const nodeId = params['node-id'] ?? `host~127.0.0.2~libcilium-${this.#instances.size + 1}~localdomain`;
    const instance = new ProxylibInstance(this.#context, nodeId);
    // Without a path there is no client, as in the library's own tests.
    const client = (params['xds-path'] ?? '') === '' ? null : new NpdsClient(this.#context, instance);
    this.#instances.set(key, { instance, client });
    client?.start();
    return instance;
  }

  /** The process is gone. */
  close(): void {
    for (const { client } of this.#instances.values()) {
      client?.close();
    }
    this.#instances.clear();
  }
}

function compile(proto: NetworkPolicy): ProxylibPolicy | string {
  const invalid = validateNetworkPolicy(proto);
  return invalid === null
    ? ProxylibPolicy.compile(proto)
    : `NPDS: Policy validation error for Endpoint ${proto.endpoint_id ?? 0}: ${invalid}`;
}

/** Texts of the wire (one character a byte) as strings of a message; `null` if one is not UTF-8, which makes the message none. */
function marshalled({ kafka, generic_l7: generic }: L7LogPart): L7LogPart | null {
  const texts = [...(kafka?.topics ?? []), ...Object.values(generic?.fields ?? {})];
  if (texts.every((text) => !/[\u0080-\u00ff]/.test(text))) {
    return kafka === undefined ? { generic_l7: generic } : { kafka };
  }
  const decoded = texts.map((text) => fromUtf8(latin1(text)));
  if (decoded.some((text, i) => utf8(text).length !== (texts[i] as string).length)) {
    return null;
  }
  if (kafka !== undefined) {
    return { kafka: { ...kafka, topics: decoded } };
  }
  const keys = Object.keys(generic?.fields ?? {});
  return { generic_l7: { proto: generic?.proto ?? '', fields: Object.fromEntries(keys.map((key, i) => [key, decoded[i] as string])) } };
}

/** The record's own part as one line. */
function l7Text(proto: string, { kafka, generic_l7: generic }: L7LogPart): string {
  if (kafka !== undefined) {
    return `kafka apiKey ${kafka.api_key} version ${kafka.api_version} topics [${kafka.topics.join(', ')}] error ${kafka.error_code}`;
  }
  const fields = Object.entries(generic?.fields ?? {}).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  return `${generic?.proto ?? proto} ${fields.join(' ')}`;
}
