/** A cluster made of maps and objects by hand: the article's, without anything that runs. */

import { ApiServer } from '../../src/k8s/api_server.ts';
import {
  CT_MAP_ANY4_GLOBAL,
  CT_MAP_TCP4_GLOBAL,
  type CtEntry,
  newCtMap,
  TUPLE_F_IN,
  TUPLE_F_OUT,
  zeroCtEntry,
} from '../../src/maps/ctmap.ts';
import { IPCACHE_NAME, ipcacheKey4, newIpcacheMap } from '../../src/maps/ipcache.ts';
import {
  LB4_BACKENDS_NAME,
  LB4_REVERSE_NAT_NAME,
  LB4_SERVICES_NAME,
  newLb4BackendsMap,
  newLb4ReverseNatMap,
  newLb4ServicesMap,
} from '../../src/maps/lbmap.ts';
import { ENDPOINT_F_HOST, LXC_MAP_NAME, newLxcMap } from '../../src/maps/lxcmap.ts';
import { METRICS_MAP_NAME, newMetricsMap } from '../../src/maps/metricsmap.ts';
import { newPolicyMap, policyMapName } from '../../src/maps/policymap.ts';
import { EventRing, type MonitorEvents } from '../../src/monitor/event_ring.ts';
import { formatIpv4 } from '../../src/net/ipv4.ts';
import { parseMac } from '../../src/net/mac.ts';
import { parseRfc3339 } from '../../src/net/rfc3339.ts';
import type { ClusterView, NodeView, ObjectView } from '../../src/shell/cluster_view.ts';
import { ip } from '../monitor/records.ts';
import { fakeAgentApi } from './fake_agent_api.ts';

const COMMON_LABELS = [
  'k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=default',
  'k8s:io.cilium.k8s.policy.cluster=default',
  'k8s:io.cilium.k8s.policy.serviceaccount=default',
  'k8s:io.kubernetes.pod.namespace=default',
];

function podLabels(name: string, org: string): string[] {
  return [`k8s:app.kubernetes.io/name=${name}`, `k8s:class=${name}`, ...COMMON_LABELS, `k8s:org=${org}`];
}

export const PODS = [
  { id: 2216, podName: 'tiefighter', identity: 29439, ipv4: '10.0.0.123', labels: podLabels('tiefighter', 'empire') },
  { id: 863, podName: 'deathstar-7848d6c4d5-58jc8', identity: 2033, ipv4: '10.0.0.111', labels: podLabels('deathstar', 'empire') },
  { id: 775, podName: 'xwing', identity: 5513, ipv4: '10.0.0.209', labels: podLabels('xwing', 'alliance') },
] as const;

/** The article's three lines. */
const CT: readonly (readonly [string, string, number, Partial<CtEntry>])[] = [
  [
    '10.0.0.123:48954',
    '10.0.0.111:80',
    TUPLE_F_OUT,
    {
      lifetime: 58774,
      rxPackets: 4,
      rxBytes: 435,
      rxFlagsSeen: 0x1b,
      lastRxReport: 58764,
      txPackets: 6,
      txBytes: 522,
      txFlagsSeen: 0x1b,
      lastTxReport: 58764,
      flags: 0x13,
      revNatIndex: 4,
      srcSecId: 29439,
    },
  ],
  [
    '10.0.0.67:33988',
    '10.0.0.111:80',
    TUPLE_F_IN,
    {
      lifetime: 58776,
      rxPackets: 6,
      rxBytes: 659,
      rxFlagsSeen: 0x1b,
      lastRxReport: 58766,
      txPackets: 4,
      txBytes: 386,
      txFlagsSeen: 0x1b,
      lastTxReport: 58766,
      flags: 0x13,
      srcSecId: 29439,
    },
  ],
  [
    '10.0.0.123:48954',
    '10.0.0.111:80',
    TUPLE_F_IN,
    {
      lifetime: 80364,
      rxPackets: 6,
      rxBytes: 522,
      rxFlagsSeen: 0x1b,
      lastRxReport: 58764,
      flags: 0x51,
      srcSecId: 29439,
    },
  ],
];

function maps(): Map<string, unknown> {
  const ct = newCtMap(CT_MAP_TCP4_GLOBAL, 100);
  for (const [source, destination, flags, entry] of CT) {
    const [src, sport] = source.split(':') as [string, string];
    const [dst, dport] = destination.split(':') as [string, string];
    ct.update(
      { daddr: ip(src), saddr: ip(dst), dport: Number(dport), sport: Number(sport), nexthdr: 6, flags },
      { ...zeroCtEntry(), ...entry },
    );
  }
  const any = newCtMap(CT_MAP_ANY4_GLOBAL, 100);
  any.update(
    { daddr: ip('10.0.0.123'), saddr: ip('10.0.0.111'), dport: 0, sport: 0, nexthdr: 1, flags: 3 },
    { ...zeroCtEntry(), lifetime: 58824, rxPackets: 1, rxBytes: 74, rxFlagsSeen: 2, lastRxReport: 58764, flags: 0x50, srcSecId: 29439 },
  );
  const ipcache = newIpcacheMap();
  const addresses: readonly (readonly [string, number, number])[] = [
    ['10.0.0.67', 32, 1],
    ['10.0.0.111', 32, 2033],
    ['10.0.0.123', 32, 29439],
    ['10.0.0.243', 32, 4],
    ['10.0.0.160', 32, 19608],
    ['10.0.0.209', 32, 5513],
    ['192.168.1.13', 32, 1],
    ['0.0.0.0', 0, 2],
  ];
  for (const [address, length, secLabel] of addresses) {
    ipcache.update(ipcacheKey4(ip(address), length), { secLabel, tunnelEndpoint: 0, nodeId: 0, key: 0 });
  }
  const policy = newPolicyMap(863);
  const zero = { packets: 0, bytes: 0, deny: false, proxyPort: 0, authType: 0 };
  policy.update({ secLabel: 0, dport: 0, protocol: 0, egress: 1 }, { ...zero });
  policy.update({ secLabel: 29439, dport: 80, protocol: 6, egress: 0 }, { ...zero, proxyPort: 19313 });
  policy.update({ secLabel: 2033, dport: 80, protocol: 6, egress: 0 }, { ...zero, proxyPort: 19313 });
  policy.update({ secLabel: 1, dport: 0, protocol: 0, egress: 0 }, { ...zero });
  const lxc = newLxcMap();
  lxc.update({ address: ip('10.0.0.67') }, { ifindex: 0, lxcId: 0, flags: ENDPOINT_F_HOST, mac: 0, nodeMac: 0 });
  lxc.update(
    { address: ip('10.0.0.111') },
    { ifindex: 14, lxcId: 863, flags: 0, mac: parseMac('0a:1b:2c:3d:4e:5f') ?? 0, nodeMac: parseMac('ee:00:00:00:00:01') ?? 0 },
  );
  const services = newLb4ServicesMap();
  services.update(
    { address: ip('10.43.0.9'), dport: 80, backendSlot: 1, proto: 0, scope: 0 },
    { backendId: 7, count: 0, revNatIndex: 4, flags: 0, flags2: 0 },
  );
  services.update(
    { address: ip('10.43.0.9'), dport: 80, backendSlot: 0, proto: 0, scope: 0 },
    { backendId: 0, count: 1, revNatIndex: 4, flags: 0, flags2: 0 },
  );
  const backends = newLb4BackendsMap();
  backends.update(7, { address: ip('10.0.0.111'), port: 80, proto: 0, state: 0 });
  const reverse = newLb4ReverseNatMap();
  reverse.update(4, { address: ip('10.43.0.9'), port: 80 });
  const metrics = newMetricsMap();
  metrics.update({ reason: 133, dir: 1 }, { count: 3, bytes: 222 });
  metrics.update({ reason: 0, dir: 2 }, { count: 10, bytes: 900 });
  return new Map<string, unknown>([
    [CT_MAP_TCP4_GLOBAL, ct],
    [CT_MAP_ANY4_GLOBAL, any],
    [IPCACHE_NAME, ipcache],
    [policyMapName(863), policy],
    [policyMapName(775), newPolicyMap(775)],
    [LXC_MAP_NAME, lxc],
    [LB4_SERVICES_NAME, services],
    [LB4_BACKENDS_NAME, backends],
    [LB4_REVERSE_NAT_NAME, reverse],
    [METRICS_MAP_NAME, metrics],
  ]);
}

function pod(name: string, podIP: string, created: string): ObjectView {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { org: name === 'xwing' ? 'alliance' : 'empire' }, creationTimestamp: created },
    spec: { containers: [{ name: 'c' }], nodeName: 'ubuntu-dev3' },
    status: { phase: 'Running', podIP },
  };
}

export const OBJECTS: readonly ObjectView[] = [
  ...PODS.map(({ podName, ipv4 }) => pod(podName, ipv4, '2023-06-11T20:06:30Z')),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'deathstar', namespace: 'default', creationTimestamp: '2023-06-11T20:06:30Z' },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.43.0.9',
      ports: [{ port: 80, protocol: 'TCP' }],
      selector: { org: 'empire', class: 'deathstar' },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'default', creationTimestamp: '2023-06-11T20:00:00Z' },
    status: { phase: 'Active' },
  },
  ...PODS.map(
    ({ podName, id, identity, ipv4 }): ObjectView => ({
      apiVersion: 'cilium.io/v2',
      kind: 'CiliumEndpoint',
      metadata: { name: podName, namespace: 'default' },
      status: {
        id,
        identity: { id: identity },
        state: 'ready',
        'visibility-policy-status': '<status disabled>',
        policy: { ingress: { state: '<status disabled>' }, egress: { state: '<status disabled>' } },
        networking: { addressing: [{ ipv4 }] },
      },
    }),
  ),
];

/** The node; tests may push events. */
export function fakeNode(events: MonitorEvents = new EventRing(4095)): NodeView {
  const pinned = maps();
  return {
    name: 'ubuntu-dev3',
    agentRunning: () => true,
    ip: '192.168.1.13',
    seconds: () => 58770,
    events,
    hubbleCapacity: 4095,
    startedAt: 58_000_000_000_000,
    api: fakeAgentApi(PODS),
    dnsNames: () => [],
    addressOfCgroup: () => null,
    clusterName: 'default',
    map: <T>(name: string) => pinned.get(name) as T | undefined,
    mapNames: () => [...pinned.keys()],
    deviceName: (ifindex) => ({ 12: 'lxc0a11', 14: 'lxc0f00' })[ifindex] ?? null,
    endpoints: () =>
      PODS.map((one) => ({
        ...one,
        namespace: 'default',
        state: 'ready',
        enforcement: { ingress: one.id === 863, egress: false, audit: false },
      })),
    identities: () => [
      { id: 1, labels: ['reserved:host', 'reserved:kube-apiserver'] },
      { id: 2, labels: ['reserved:world'] },
      ...PODS.map(({ identity, labels }) => ({ id: identity, labels })),
    ],
    services: () => [
      {
        id: 4,
        namespace: 'default',
        name: 'deathstar',
        frontend: '10.43.0.9:80',
        type: 'ClusterIP',
        backends: [{ address: '10.0.0.111:80', state: 'active' }],
      },
    ],
    policyOrigins: () => [],
    policy: () => ({ rules: [{ endpointSelector: {} }], revision: 2 }),
    envoyAdmin: (path) => ({ status: 200, body: `{"path":${JSON.stringify(path)}}\n` }),
    status: () => ({
      ciliumVersion: '1.13.3 (v1.13.3-36cb0eed)',
      kubernetesVersion: '1.27 (v1.27.1+k3s1) [linux/amd64]',
      kubernetesApis: ['cilium/v2::CiliumNetworkPolicy', 'core/v1::Pods'],
      podCIDR: '10.0.0.0/24',
      ipam: { used: 6, total: 254 },
      controllers: { healthy: 30, total: 30 },
      proxy: { ip: '10.0.0.67', redirects: 1 },
      routing: 'Legacy',
      masquerading: { mode: 'IPTables', exclusion: '10.0.0.0/24' },
      kubeProxyReplacement: {
        mode: 'Disabled',
        socketLb: false,
        nodePort: false,
        hostPort: false,
        externalIps: false,
        sessionAffinity: false,
        gracefulTermination: true,
      },
      hostFirewall: false,
      devices: [],
      reachableNodes: { reachable: 1, total: 1 },
    }),
  };
}

/** A cluster of that node. `exec` answers what it was asked to run. */
export function fakeCluster(node: NodeView = fakeNode()): ClusterView {
  return {
    nodes: [node],
    wallMillis: () => parseRfc3339('2023-06-12T03:04:05Z') as number,
    list: (kind, namespace) =>
      OBJECTS.filter((object) => object.kind === kind && (namespace === null || object.metadata.namespace === namespace)),
    exec: (namespace, name, argv) => ({ exitCode: 0, stdout: `${namespace}/${name}: ${argv.join('|')}\n`, stderr: '' }),
    now: () => 58770e9,
    settle: () => undefined,
    advance: () => undefined,
    api: new ApiServer({ later: (callback) => callback(), now: () => '2023-06-12T03:04:05Z', uid: () => 'uid' }),
    runUntil: (condition) => condition(),
  };
}

/** The addresses of the pods, for tests that read them. */
export const POD_IPS = PODS.map(({ ipv4 }) => formatIpv4(ip(ipv4)));
