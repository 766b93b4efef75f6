/**
 * `trenchrun explain`: the verdict on a request and its whole derivation. The request is sent through the simulated datapath; nothing here decides
 * anything a second time.
 */
import type { Cluster } from '../../cluster/cluster.ts';
import type { Node } from '../../cluster/node.ts';
import { entryOrigins, proxyRuleOrigins } from '../../cluster/policy_origins.ts';
import type { Service } from '../../k8s/objects.ts';
import { TRAFFIC_EGRESS, TRAFFIC_INGRESS } from '../../maps/policymap.ts';
import { formatIpv4 } from '../../net/ipv4.ts';
import { ICMP_ECHO } from '../../net/protocol.ts';
import { assertPresent } from '../../sim/assert.ts';
import type { Step } from '../../sim/journey.ts';
import { enforcedPolicy } from '../policy_references.ts';
import {
  EXPLANATION_SCHEMA,
  type ExplainDecider,
  type ExplainProtocol,
  type ExplainQuestion,
  type Explanation,
  type IpcacheHop,
  type Peer,
  type PolicyCheck,
  type ProxyHop,
  type ProxyRuleCheck,
  type ServiceHop,
} from './explanation.ts';
import { type Found, findSource, findTarget, type Target } from './place.ts';
import { probe } from './probe.ts';
import {
  type Decision,
  decisionsOf,
  dropOf,
  type FirstPacket,
  firstPackets,
  ipcacheHops,
  matcherChecks,
  numberOf,
  objectOf,
  type RecordedCheck,
  recordedChecks,
  socketTranslation,
  translation,
  upstreamBackend,
} from './read_steps.ts';

/** Ports when neither question nor target names one. */
const DEFAULT_PORT: Readonly<Record<ExplainProtocol, number>> = { TCP: 80, UDP: 53, SCTP: 80, ICMP: ICMP_ECHO };
const NOUNS: Readonly<Record<ExplainProtocol, string>> = {
  TCP: 'a TCP connection',
  UDP: 'a UDP datagram',
  SCTP: 'an SCTP association',
  ICMP: 'an ICMP echo request',
};

/** Answers a question on a cluster; the request really happens there. */
export function explainOn(cluster: Cluster, question: ExplainQuestion, notes: readonly string[] = []): Found<Explanation> {
  const source = findSource(cluster, question.from);
  if (!source.ok) {
    return source;
  }
  const target = findTarget(cluster, source.value, question.to, question.protocol === 'ICMP');
  if (!target.ok) {
    return target;
  }
  const { protocol } = question;
  const port = question.port ?? (protocol === 'ICMP' ? null : target.value.firstPort) ?? DEFAULT_PORT[protocol];
  const client = podPeer(cluster, `${source.value.namespace}/${source.value.name}`);
  if (client === null) {
    return { ok: false, error: `pod ${question.from} has no endpoint: it uses the host's network, to which no policy applies here` };
  }
  const { steps, outcome } = probe(cluster, source.value, target.value, port, question);
  return { ok: true, value: derive({ cluster, question, target: target.value, port, client, steps, outcome, notes }) };
}

interface Material {
  readonly cluster: Cluster;
  readonly question: ExplainQuestion;
  readonly target: Target;
  readonly port: number;
  readonly client: Peer;
  readonly steps: readonly Step[];
  readonly outcome: string;
  readonly notes: readonly string[];
}

function derive(material: Material): Explanation {
  const { cluster, question, target, port, client, steps, outcome } = material;
  const { http, protocol } = question;
  const frontend = protocol === 'ICMP' ? target.ip : `${target.ip}:${port}`;
  const [first] = firstPackets(steps, client.ip, new Set([frontend]));
  const lbPort = l7LbPort(cluster, client, frontend);
  const upstream = lbPort === 0 ? null : upstreamBackend(steps, frontend);
  const elsewhere = upstream ?? (first === undefined ? socketTranslation(steps, frontend) : null);
  const moved = elsewhere !== null ? { frontend, backend: elsewhere } : first === undefined ? null : translation(steps, first);
  const backend = moved?.backend ?? frontend;
  const packets = firstPackets(steps, client.ip, new Set([frontend, backend]));
  const ipcache = packets.flatMap((packet) => ipcacheHops(steps, packet));
  const destination = destinationPeer(cluster, backend.split(':')[0] as string, ipcache);
  const checks = packets.flatMap((packet) =>
    recordedChecks(steps, packet).map((check) => policyCheck(cluster, check, check.direction === 'egress' ? client : destination, steps)),
  );
  const proxy = proxyHop(cluster, steps, checks, [client, destination], lbPort);
  const service: ServiceHop | null = moved === null ? null : { ...moved, name: serviceName(cluster, target.ip) };
  const asked = http === null ? NOUNS[protocol] : `${http.method} ${http.path}`;
  const title = `${asked} from ${client.name} to ${target.text}${protocol === 'ICMP' ? '' : `, port ${port}/${protocol}`}`;
  return {
    schema: EXPLANATION_SCHEMA,
    question,
    title,
    ...verdictOf(steps, packets, checks, proxy),
    outcome,
    source: client,
    destination,
    service,
    ipcache: unique(ipcache),
    checks,
    proxy,
    notes: [...material.notes, ...notesOf({ question, checks, proxy, first: packets[0], client, destination, steps })],
  };
}

function policyCheck(cluster: Cluster, check: RecordedCheck, subject: Peer, steps: readonly Step[]): PolicyCheck {
  const endpointId = Number(check.map.replace(/^cilium_policy_0*/, ''));
  const node = nodeOfPeer(cluster, subject);
  const decisive = check.tried.at(-1);
  const enforced = enforcedPolicy(cluster, endpointId, check.direction);
  const view = node?.agent.endpointViews().find(({ id }) => id === endpointId);
  return {
    direction: check.direction,
    leg: check.packet.leg,
    at: subject.name,
    endpointId,
    map: check.map,
    enforced: view?.enforcement?.[check.direction] ?? false,
    closedBy: enforced?.selecting ?? [],
    tried: check.tried,
    verdict: check.verdict,
    match: check.match,
    proxyPort: check.proxyPort,
    origins:
      node === null || decisive === undefined || decisive.entry === null
        ? []
        : entryOrigins(cluster, node, endpointId, {
            secLabel: decisive.identity,
            dport: decisive.port,
            protocol: decisive.protocol,
            egress: check.direction === 'egress' ? TRAFFIC_EGRESS : TRAFFIC_INGRESS,
          }),
    audited: check.verdict === 'drop' && dropOf(steps, check.packet) === null,
  };
}

/** Port of the proxy that has the traffic of a service; 0: none. */
function l7LbPort(cluster: Cluster, client: Peer, frontend: string): number {
  const frontends = nodeOfPeer(cluster, client)?.agent.services.frontends() ?? [];
  return frontends.find(({ address, port }) => `${formatIpv4(address)}:${port}` === frontend)?.l7LbProxyPort ?? 0;
}

/** The proxy a policy sends the connection to, or that has all traffic of the service. */
function proxyHop(
  cluster: Cluster,
  steps: readonly Step[],
  checks: readonly PolicyCheck[],
  [client, destination]: readonly [Peer, Peer],
  lbPort: number,
): ProxyHop | null {
  const redirect = checks.find((check) => check.verdict === 'redirect' && check.leg === 'client');
  const port = redirect?.proxyPort ?? lbPort;
  if (port === 0) {
    return null;
  }
  const subject = redirect === undefined || redirect.endpointId === client.endpointId ? client : destination;
  const node = nodeOfPeer(cluster, subject);
  const listener = node?.agent.proxy.ports().find((one) => one.port === port)?.name ?? null;
  const request = decisionsOf(steps, 'cilium.l7policy').at(-1) ?? null;
  return {
    port,
    listener,
    direction: redirect?.direction ?? 'egress',
    connection: said(decisionsOf(steps, 'cilium.network').at(-1) ?? null),
    request: said(request),
    rules: request === null || node === null ? [] : ruleChecks(cluster, node, request),
  };
}

function said(decision: Decision | null): { readonly verdict: string; readonly why: string } | null {
  return decision === null ? null : { verdict: decision.verdict, why: decision.why };
}

function ruleChecks(cluster: Cluster, node: Node, request: Decision): ProxyRuleCheck[] {
  const { data = {} } = request;
  const direction = data['direction'] === 'egress' ? 'egress' : 'ingress';
  const endpointId = numberOf(data['endpointId']) ?? 0;
  const rules = Array.isArray(data['rules']) ? data['rules'] : [];
  return rules.map((one) => {
    const step = objectOf(one);
    const rule = numberOf(step['rule']) ?? -1;
    const httpRule = numberOf(step['httpRule']) ?? -1;
    return {
      port: numberOf(step['port']) ?? 0,
      rule,
      httpRule,
      matched: step['matched'] === true,
      why: String(step['why'] ?? ''),
      matchers: matcherChecks(step['matchers']),
      origins: proxyRuleOrigins(cluster, node, { endpointId, direction, portIndex: numberOf(step['portIndex']) ?? -1, rule, httpRule }),
    };
  });
}

type Verdict = Pick<Explanation, 'verdict' | 'decidedBy' | 'why'>;

function verdictOf(
  steps: readonly Step[],
  packets: readonly FirstPacket[],
  checks: readonly PolicyCheck[],
  proxy: ProxyHop | null,
): Verdict {
  const denied = checks.find((check) => check.verdict === 'drop' && !check.audited);
  if (denied !== undefined) {
    const decidedBy: ExplainDecider = denied.direction === 'egress' ? 'egress policy' : 'ingress policy';
    const entry = denied.tried.at(-1)?.entry?.deny === true ? 'a deny entry matched' : 'no key of its policy map matched';
    return { verdict: 'denied', decidedBy, why: `${denied.at} enforces ${denied.direction} policy, and ${entry}` };
  }
  for (const [decidedBy, decision] of [
    ['cilium.network', proxy?.connection],
    ['cilium.l7policy', proxy?.request],
  ] as const) {
    if (decision !== undefined && decision !== null && decision.verdict !== 'allow') {
      return { verdict: 'denied', decidedBy, why: decision.why };
    }
  }
  const drop = packets.map((packet) => dropOf(steps, packet)).find((one) => one !== null);
  if (drop !== undefined && drop !== null) {
    return { verdict: 'denied', decidedBy: 'datapath', why: `the packet is dropped: ${drop.why}` };
  }
  if (proxy?.request?.verdict === 'allow') {
    return { verdict: 'allowed', decidedBy: 'cilium.l7policy', why: proxy.request.why };
  }
  const last = checks.filter(({ leg }) => leg === 'client').at(-1);
  if (last === undefined) {
    return { verdict: 'allowed', decidedBy: 'nobody', why: 'no policy map was asked' };
  }
  return {
    verdict: 'allowed',
    decidedBy: last.direction === 'egress' ? 'egress policy' : 'ingress policy',
    why: last.audited
      ? `audit mode lets pass what the ${last.direction} policy of ${last.at} would drop`
      : `the key of ${last.map} that matched allows it (${last.match})`,
  };
}

function notesOf(found: {
  readonly question: ExplainQuestion;
  readonly checks: readonly PolicyCheck[];
  readonly proxy: ProxyHop | null;
  readonly first: FirstPacket | undefined;
  readonly client: Peer;
  readonly destination: Peer;
  readonly steps: readonly Step[];
}): string[] {
  const { question, checks, proxy, first, client, destination, steps } = found;
  const notes: string[] = [];
  const dropped = first !== undefined && dropOf(steps, first) !== null;
  const elsewhere = destination.endpointId !== null && destination.node !== client.node;
  if (elsewhere && !dropped && !checks.some(({ direction }) => direction === 'ingress')) {
    notes.push(
      `the packet leaves node ${client.node} and does not come to ${destination.node}, so the policy of ${destination.name} was not asked: without a tunnel pods of different nodes reach each other only with the options auto-direct-node-routes: true and ipv4-native-routing-cidr`,
    );
  }
  if (question.protocol === 'SCTP' && dropped && !checks.some(({ verdict }) => verdict === 'drop')) {
    notes.push('SCTP is an option of the agent that is off by default: enable-sctp: true');
  }
  if (first === undefined) {
    notes.push('no packet to the destination left the pod: it has no route or the connection was refused before');
  }
  if (checks.some(({ audited }) => audited)) {
    notes.push('policy-audit-mode is on: what policy would drop at L3 and L4 is let pass; L7 rules still answer 403');
  }
  if (proxy?.listener?.startsWith('cilium-proxylib-') === true) {
    notes.push(
      'the port is redirected to the proxy, where a parser of proxylib judges each request: run the client itself to see its verdicts',
    );
  } else if (proxy !== null && question.http === null) {
    notes.push(`the port is redirected to the proxy, which judges each request: ask again with --http "GET /"`);
  }
  return notes;
}

/** A pod by `namespace/name`, as its endpoint. */
function podPeer(cluster: Cluster, name: string): Peer | null {
  return peers(cluster).find((peer) => peer.name === name) ?? null;
}

function peers(cluster: Cluster): Peer[] {
  return cluster.nodes.flatMap((node) =>
    node.agent.endpoints.list().map((endpoint) => ({
      name: endpoint.namespace === '' ? endpoint.podName : `${endpoint.namespace}/${endpoint.podName}`,
      ip: formatIpv4(endpoint.ipv4),
      node: node.name,
      endpointId: endpoint.id,
      identity: endpoint.identity?.id ?? null,
      labels: labelsOf(node, endpoint.identity?.id ?? null),
      ignoredLabels: endpoint.informationLabels
        .map(({ source, key, value }) => `${source}:${key}${value === '' ? '' : `=${value}`}`)
        .sort(),
    })),
  );
}

/** The pod with an address, or what the ipcache says about it. */
function destinationPeer(cluster: Cluster, ip: string, ipcache: readonly IpcacheHop[]): Peer {
  const pod = peers(cluster).find((peer) => peer.ip === ip);
  if (pod !== undefined) {
    return pod;
  }
  const identity = ipcache.find((hop) => hop.ip === ip)?.identity ?? null;
  const node = cluster.nodes.find((one) => one.ip === ip);
  const asked = node ?? assertPresent(cluster.nodes[0], 'a node');
  const labels = labelsOf(asked, identity);
  return { name: node?.name ?? ip, ip, node: node?.name ?? null, endpointId: null, identity, labels, ignoredLabels: [] };
}

function labelsOf(node: Node, identity: number | null): readonly string[] {
  return node.agent.identityViews().find(({ id }) => id === identity)?.labels ?? [];
}

function nodeOfPeer(cluster: Cluster, peer: Peer): Node | null {
  return cluster.nodes.find(({ name }) => name === peer.node) ?? null;
}

function serviceName(cluster: Cluster, ip: string): string | null {
  const service = cluster.api.list<Service>('Service', {}).find(({ spec }) => spec.clusterIP === ip);
  return service === undefined ? null : `${service.metadata.namespace ?? 'default'}/${service.metadata.name}`;
}

function unique(hops: readonly IpcacheHop[]): IpcacheHop[] {
  return [...new Map(hops.map((hop) => [JSON.stringify(hop), hop])).values()];
}
