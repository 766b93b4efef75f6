import { describe, expect, test } from 'vitest';
import { HashMap } from '../../src/kernel/hash_map.ts';
import { LpmTrie } from '../../src/kernel/lpm_trie.ts';
import { newTestCluster, type TestCluster } from '../support/test_cluster.ts';

const OPTIONS = {
  'kube-proxy-replacement': 'strict',
  'enable-bpf-masquerade': true,
  'bpf-ct-global-tcp-max': 40,
  'bpf-ct-global-any-max': 40,
  'bpf-nat-global-max': 20,
  'bpf-policy-map-max': 12,
  'hubble-event-buffer-capacity': 63,
};
const WORLD = [
  {
    name: 'www.example.com',
    names: [],
    ips: ['198.51.100.7'],
    servers: [
      { port: 80, protocol: 'TCP', text: 'out\n' },
      { port: 53, protocol: 'UDP', text: null },
    ],
    podRoutes: false,
  },
] as const;

const PODS = ['a', 'b', 'c']
  .map(
    (name) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec: {containers: [{name: c, image: registry.k8s.io/echoserver, ports: [{containerPort: 8080, hostPort: ${name === 'a' ? 4000 : 0}}]}]}
`,
  )
  .join('---');
const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: s}
spec: {type: NodePort, clusterIP: 10.43.0.70, selector: {app: a}, ports: [{port: 80, targetPort: 8080, nodePort: 30070}]}
`;
const policy = (ports: number): string => `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: many}
spec:
  endpointSelector: {matchLabels: {app: a}}
  ingress:
    - toPorts: [{ports: [${Array.from({ length: ports }, (_, i) => `{port: "${8080 + i}", protocol: TCP}`).join(', ')}]}]
    - {fromEntities: [world, host], toPorts: [{ports: [{port: "8080", protocol: TCP}], rules: {http: [{path: /ok}]}}]}
`;

/** Sizes and limits of everything pinned on the nodes and of what the monitor keeps. */
function overfull({ cluster }: TestCluster): string[] {
  return cluster.nodes.flatMap((node) => {
    const maps = node.bpffs.names().flatMap((name) => {
      const map = node.bpffs.get<unknown>(name);
      const sized = map instanceof HashMap || map instanceof LpmTrie ? map : null;
      return sized !== null && sized.size > sized.spec.maxEntries ? [`${name}: ${sized.size} of ${sized.spec.maxEntries}`] : [];
    });
    const events = node.events.since(0).length;
    return events > OPTIONS['hubble-event-buffer-capacity'] + 1 ? [...maps, `${events} events`] : maps;
  });
}

describe('mixed traffic on small maps', () => {
  test('39: no map is ever over its capacity, and what is full makes room or says so', () => {
    const full = newTestCluster([PODS, SERVICE], { options: OPTIONS, world: WORLD });
    const seen = new Set<string>();
    const check = (): void => {
      expect(overfull(full)).toEqual([]);
      for (const name of full.node.bpffs.names()) {
        const map = full.node.bpffs.get<unknown>(name);
        if (map instanceof HashMap && map.size === map.spec.maxEntries) {
          seen.add(name.replace(/\d+$/, ''));
        }
      }
    };
    // Checked whenever the datapath speaks, not only between requests.
    full.node.agent.maps.events.subscribe(check);
    const curl = (namespace: string, from: string, url: string): number => full.run(namespace, from, 'curl', '-s', '-m', '2', url).exitCode;
    for (let round = 0; round < 6; round++) {
      full.apply(policy(round % 2 === 0 ? 2 : 20));
      for (const from of ['a', 'b', 'c']) {
        curl('default', from, 'http://10.43.0.70/ok');
        curl('default', from, `http://${full.ip('default', 'b')}:8080/no`);
        curl('default', from, 'http://198.51.100.7/');
        full.run('default', from, 'nslookup', 'www.example.com');
        full.run('default', from, 'ping', '-c', '1', '-W', '1', full.ip('default', 'c'));
      }
      for (const port of [30070, 4000]) {
        curl('world', 'www.example.com', `http://192.168.1.10:${port}/ok`);
      }
      full.cluster.advance(1e9);
      check();
    }
    // The test is of use only if maps do get full.
    expect([...seen].sort()).toEqual(expect.arrayContaining(['cilium_ct4_global', 'cilium_ct_any4_global', 'cilium_snat_v4_external']));
    expect([...seen].some((name) => name.startsWith('cilium_policy_'))).toBe(true);
    // Room made is room used: the newest connection is there.
    expect(curl('default', 'b', `http://${full.ip('default', 'c')}:8080/ok`)).toBe(0);
  });
});
