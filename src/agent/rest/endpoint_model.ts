/**
 * Endpoints as the agent's API shows them.
 * @see cilium:pkg/endpoint/api.go#Endpoint.GetModelRLocked
 * @remarks Not modelled: controllers, the checksum of an identity's labels, statistics of redirects.
 */
import { TRAFFIC_INGRESS } from '../../maps/policymap.ts';
import { formatIpv4 } from '../../net/ipv4.ts';
import { formatMac } from '../../net/mac.ts';
import { protocolName } from '../../net/protocol.ts';
import { formatRfc3339 } from '../../net/rfc3339.ts';
import type { EndpointModel } from '../daemon/views.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import { labelText } from '../labels/labels.ts';
import type { DaemonOptions } from '../option/config.ts';
import { monitorAggregationLevel } from '../option/config.ts';
import type { EndpointPolicy } from '../policy/resolve.ts';
import { l4PolicyModel } from './l4_policy_model.ts';

type Json = Readonly<Record<string, unknown>>;

/** What concerns an endpoint's health. @see cilium:api/v1/models/endpoint_health.go#EndpointHealth */
export interface EndpointHealth {
  readonly bpf: string;
  readonly connected: boolean;
  readonly overallHealth: string;
  readonly policy: string;
}

/** The model of a pod's endpoint. */
export function endpointRestModel(endpoint: Endpoint, options: DaemonOptions, wall: (at: number) => number) {
  const configuration = { 'label-configuration': {}, options: endpointOptions(options, endpoint.policyAuditMode) };
  const { identity, device } = endpoint;
  const container = endpoint.containerId === '' ? {} : { 'container-id': endpoint.containerId };
  const pod =
    endpoint.namespace === ''
      ? { 'pod-name': '/' }
      : { 'k8s-namespace': endpoint.namespace, 'k8s-pod-name': endpoint.podName, 'pod-name': `${endpoint.namespace}/${endpoint.podName}` };
  const labels = identity === null ? undefined : [...identity.labels].map(labelText).sort();
  return {
    id: endpoint.id,
    spec: configuration,
    status: {
      'external-identifiers': { ...container, ...pod },
      health: endpointHealth(endpoint.state),
      ...(identity === null || labels === undefined ? {} : { identity: { id: identity.id, labels } }),
      labels: {
        derived: endpoint.informationLabels.map(labelText).sort(),
        realized: {},
        'security-relevant': endpoint.identityLabels.map(labelText).sort(),
      },
      log: statusLog(endpoint, wall).slice(0, 1),
      ...(endpoint.namedPorts.length === 0
        ? {}
        : { namedPorts: endpoint.namedPorts.map(({ name, port, proto }) => ({ name, port, protocol: protocolName(proto) })) }),
      networking: {
        addressing: [{ ipv4: formatIpv4(endpoint.ipv4) }],
        'host-mac': formatMac(device.mac).toLowerCase(),
        'interface-index': device.ifindex,
        'interface-name': device.name,
        mac: formatMac(endpoint.mac).toLowerCase(),
      },
      ...(identity === null ? {} : { policy: policyStatus(endpoint, identity.id) }),
      realized: configuration,
      state: endpoint.state as string,
    },
  };
}

/** The model of the host's endpoint. @remarks Simplified: it has no regenerations of its own here, so its revision is the repository's. */
export function hostRestModel(host: EndpointModel, options: DaemonOptions, revision: number) {
  const configuration = { 'label-configuration': {}, options: endpointOptions(options) };
  const policy = { build: revision, id: host.identity ?? 0, 'policy-enabled': 'none', 'policy-revision': revision };
  return {
    id: host.id,
    spec: configuration,
    status: {
      'external-identifiers': { 'pod-name': '/' },
      health: endpointHealth('ready'),
      identity: { id: host.identity ?? 0, labels: host.labels },
      labels: { derived: [] as readonly string[], realized: {}, 'security-relevant': host.labels },
      networking: { addressing: [{}] },
      policy: { 'proxy-statistics': [], realized: policy, spec: policy },
      realized: configuration,
      state: 'ready',
    },
  };
}

/** Changes of state, newest first. @see cilium:pkg/endpoint/status.go#EndpointStatus.GetModel */
export function statusLog(endpoint: Endpoint, wall: (at: number) => number) {
  return endpoint.stateLog
    .map(({ to, reason, at }) => ({ code: 'OK', message: reason, state: to as string, timestamp: formatRfc3339(wall(at)) }))
    .reverse();
}

/** @see cilium:pkg/endpoint/api.go#Endpoint.getHealthModel */
function endpointHealth(state: string): EndpointHealth {
  const all = (text: string, connected = true): EndpointHealth => ({ bpf: text, connected, overallHealth: text, policy: text });
  switch (state) {
    case 'regenerating':
    case 'waiting-to-regenerate':
    case 'disconnecting':
      return all('Pending');
    case 'waiting-for-identity':
      return { bpf: 'Disabled', connected: true, overallHealth: 'Disabled', policy: 'Bootstrap' };
    case 'not-ready':
      return all('Warning');
    case 'ready':
      return all('OK');
    default:
      return all('Disabled', false);
  }
}

/** Options of an endpoint, which follow the agent's until they are set. @see cilium:pkg/option/endpoint.go#endpointMutableOptionLibrary */
export function endpointOptions(options: DaemonOptions, audit = options['policy-audit-mode']): Readonly<Record<string, string>> {
  const onOff = (on: boolean): string => (on ? 'Enabled' : 'Disabled');
  const level = monitorAggregationLevel(options['monitor-aggregation']);
  return {
    ConntrackAccounting: 'Enabled',
    ConntrackLocal: 'Disabled',
    Debug: 'Disabled',
    DebugLB: 'Disabled',
    DebugPolicy: 'Disabled',
    DropNotification: 'Enabled',
    MonitorAggregationLevel: ['None', 'Lowest', 'Low', 'Medium', 'Max'][level] ?? 'None',
    PolicyAuditMode: onOff(audit),
    PolicyVerdictNotification: 'Enabled',
    TraceNotification: 'Enabled',
  };
}

/** @see cilium:pkg/endpoint/api.go#Endpoint.GetPolicyModel */
function policyStatus(endpoint: Endpoint, identity: number) {
  const { realizedPolicy, desiredPolicy } = endpoint;
  const enabled = policyEnabled(realizedPolicy, endpoint.policyAuditMode);
  const model = (policy: EndpointPolicy | null, revision: number) => ({
    ...identityLists(policy),
    ...(revision === 0 ? {} : { build: revision }),
    id: identity,
    ...(policy === null ? {} : { l4: l4PolicyModel(policy.selectorPolicy.l4Policy) }),
    'policy-enabled': enabled,
    'policy-revision': revision,
  });
  return {
    ...(endpoint.proxyPolicyRevision === 0 ? {} : { 'proxy-policy-revision': endpoint.proxyPolicyRevision }),
    'proxy-statistics': [...endpoint.realizedRedirects].map(([id, port]) => redirectModel(id, port)),
    realized: model(realizedPolicy, endpoint.policyRevision),
    spec: model(desiredPolicy, endpoint.nextPolicyRevision),
  };
}

/** @see cilium:pkg/endpoint/endpoint.go#Endpoint.policyStatus */
function policyEnabled(policy: EndpointPolicy | null, audit: boolean): string {
  const { ingressPolicyEnabled = false, egressPolicyEnabled = false } = policy?.selectorPolicy ?? {};
  if (!ingressPolicyEnabled && !egressPolicyEnabled) {
    return 'none';
  }
  const word = ingressPolicyEnabled && egressPolicyEnabled ? 'both' : ingressPolicyEnabled ? 'ingress' : 'egress';
  return audit ? `audit-${word}` : word;
}

/** Identities with keys of no port, allowed and denied. @see cilium:pkg/policy/mapstate.go#MapState.getIdentities @remarks Simplified: ascending; upstream leaves the order open. */
function identityLists(policy: EndpointPolicy | null): Json {
  const lists = {
    allowedEgress: [] as number[],
    allowedIngress: [] as number[],
    deniedEgress: [] as number[],
    deniedIngress: [] as number[],
  };
  policy?.mapState.forEach((identity, port, _proto, direction, entry) => {
    if (port === 0) {
      const end = direction === TRAFFIC_INGRESS ? 'Ingress' : 'Egress';
      lists[entry.isDeny ? (`denied${end}` as const) : (`allowed${end}` as const)].push(identity);
    }
  });
  const sorted = (list: number[]): number[] | null => (list.length === 0 ? null : [...new Set(list)].sort((a, b) => a - b));
  return {
    'allowed-egress-identities': sorted(lists.allowedEgress),
    'allowed-ingress-identities': sorted(lists.allowedIngress),
    'denied-egress-identities': sorted(lists.deniedEgress),
    'denied-ingress-identities': sorted(lists.deniedIngress),
  };
}

/** `863:ingress:TCP:80` taken apart. */
function redirectModel(id: string, proxyPort: number): Json {
  const [, location = '', protocol = '', port = '0'] = id.split(':');
  return { 'allocated-proxy-port': proxyPort, location, port: Number(port), protocol: protocol.toLowerCase(), statistics: {} };
}
