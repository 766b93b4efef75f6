/** The agent dies in each step of a regeneration: what it leaves behind, and how the next one goes on. */
import { describe, expect, it } from 'vitest';
import { CRASH_STEPS } from '../../src/cluster/agent_crash.ts';
import { placeWitness, WITNESS_HEADER } from '../../src/cluster/witness.ts';
import { beginFault } from '../../src/scenario/fault.ts';
import { newTestCluster, type TestCluster } from '../support/test_cluster.ts';

const SECOND = 1e9;
const pod = (name: string, labels: string): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, labels: ${labels}}, spec: {containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]}}`;
const policy = (ingress: string): string => `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: server}
spec: {endpointSelector: {matchLabels: {app: server}}, ${ingress}}
`;
const http = (path: string, port: string): string =>
  `{fromEndpoints: [{matchLabels: {app: client}}], toPorts: [{ports: [{port: "${port}", protocol: TCP}], rules: {http: [{path: ${path}}]}}]}`;
/** The new policy has another rule for port 80, another port, and one port less. */
const OLD = policy(`ingress: [${http('/old', '80')}, ${http('/', '81')}, ${http('/', '82')}]`);
const NEW = policy(`ingress: [${http('/new', '80')}, ${http('/', '83')}, ${http('/', '84')}]`);

const setUp = (): TestCluster => newTestCluster([pod('server', '{app: server}'), pod('client', '{app: client}'), OLD]);

/** Ports the server's map has keys for, with the proxy port of each. */
function ports(test: TestCluster): Map<number, number> {
  const map = test.node.agent.endpoints.ofPod('default', 'server')?.policyMap;
  const keys = [...(map?.entries() ?? [])].filter(([{ egress, dport }]) => egress === 0 && dport !== 0);
  return new Map(keys.map(([{ dport }, { proxyPort }]) => [dport, proxyPort]));
}

let number = 0;

/** Whether a request reaches the server, and what curl printed. */
function ask(test: TestCluster, reached: ReadonlySet<number>, path: string): { arrived: boolean; code: string } {
  number += 1;
  const header = `${WITNESS_HEADER}: ${number}`;
  const argv = [
    'curl',
    '-s',
    '-m',
    '3',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}',
    '-H',
    header,
    `${test.ip('default', 'server')}:80${path}`,
  ];
  const { stdout } = test.run('default', 'client', ...argv);
  return { arrived: reached.has(number), code: stdout };
}

describe('an agent that dies in a step of a regeneration', () => {
  it.each(CRASH_STEPS)('%s: what is denied stays denied, and what is allowed is answered afterwards', (at) => {
    const test = setUp();
    const { cluster, node } = test;
    const witness = placeWitness(cluster, 'default', 'server', 80);
    const reached = witness?.reached ?? new Set();
    const before = node.agent;
    expect(beginFault(cluster, { kind: 'agent-crash', at, pod: 'default/server', for: 5 * SECOND })).toBeNull();
    test.apply(NEW);
    expect([node.agentRunning, node.proxy, cluster.faults.active]).toEqual([false, null, 1]);
    // Neither policy allows it.
    expect(ask(test, reached, '/neither')).toMatchObject({ arrived: false });
    cluster.runUntil(() => cluster.faults.active === 0, 60 * SECOND);
    expect(node.agent).not.toBe(before);
    expect(ask(test, reached, '/neither').arrived).toBe(false);
    cluster.advance(30 * SECOND);
    expect(ask(test, reached, '/new')).toEqual({ arrived: true, code: '200' });
    expect(ask(test, reached, '/old')).toEqual({ arrived: false, code: '403' });
    expect([...ports(test).keys()].sort()).toEqual([80, 83, 84]);
    expect(node.quiet).toBe(true);
  });

  const left = (at: (typeof CRASH_STEPS)[number]): number[] => {
    const test = setUp();
    beginFault(test.cluster, { kind: 'agent-crash', at });
    test.apply(NEW);
    return [...ports(test).keys()].sort((a, b) => a - b);
  };

  it('leaves the map as it was before it is written', () => {
    for (const at of ['regenerate', 'regeneratePolicy', 'addNewRedirects', 'updateNetworkPolicy'] as const) {
      expect(left(at)).toEqual([80, 81, 82]);
    }
  });

  it('leaves it half written', () => {
    expect(left('addPolicyKey')).toHaveLength(4);
    expect(left('deletePolicyKey')).toHaveLength(4);
    expect(left('deletePolicyKey')).toEqual(expect.arrayContaining([80, 83, 84]));
  });

  it('leaves the new map from then on', () => {
    for (const at of ['syncPolicyMap', 'removeOldRedirects', 'realizeBPFState', 'waitForProxyCompletions', 'finalizeProxyState'] as const) {
      expect(left(at)).toEqual([80, 83, 84]);
    }
  });

  it('in the first regeneration of a pod: the next agent is asked for the pod again', () => {
    for (const at of CRASH_STEPS.filter((one) => one !== 'deletePolicyKey')) {
      const test = newTestCluster([pod('client', '{app: client}'), OLD]);
      beginFault(test.cluster, { kind: 'agent-crash', at, pod: 'default/server', for: SECOND });
      test.apply(pod('server', '{app: server}'));
      expect([at, test.node.agentRunning]).toEqual([at, false]);
      test.cluster.advance(20 * SECOND);
      test.cluster.settle();
      expect(ask(test, new Set(), '/old').code).toBe('200');
      expect(ask(test, new Set(), '/new').code).toBe('403');
      expect([...ports(test).keys()].sort()).toEqual([80, 81, 82]);
      // Nothing is left of the endpoint that never was.
      const ids = test.node.agent.endpointViews().map(({ id }) => `cilium_policy_${String(id).padStart(5, '0')}`);
      expect(test.node.bpffs.names().filter((name) => name.startsWith('cilium_policy_') && !ids.includes(name))).toEqual([]);
    }
  });

  it.each(CRASH_STEPS)('%s, while the next agent restores: the one after finds all endpoints', (at) => {
    const test = setUp();
    const ids = test.node.agent.endpoints.list().map(({ name }) => name);
    test.node.stopAgent();
    // A key that nobody wants any more is deleted, one that is missing is added.
    const map = test.node.agent.endpoints.ofPod('default', 'server')?.policyMap;
    const [first] = [...(map?.entries() ?? [])].filter(([{ dport }]) => dport === 81);
    if (first !== undefined) {
      map?.delete(first[0]);
      map?.update({ ...first[0], dport: 99 }, { proxyPort: 0, deny: false, authType: 0, packets: 0, bytes: 0 });
    }
    test.node.startAgent();
    beginFault(test.cluster, { kind: 'agent-crash', at, pod: 'default/server', for: SECOND });
    test.cluster.runUntil(() => !test.node.agentRunning, 60 * SECOND);
    expect(test.node.agentRunning).toBe(false);
    test.cluster.advance(30 * SECOND);
    test.cluster.settle();
    expect(
      test.node.agent.endpoints
        .list()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(ids.sort());
    expect(ask(test, new Set(), '/old').code).toBe('200');
    expect([...ports(test).keys()].sort()).toEqual([80, 81, 82]);
  });

  it('while the next agent has not read its endpoints yet: they are still on disk', () => {
    const test = setUp();
    beginFault(test.cluster, { kind: 'agent-crash', for: SECOND });
    test.cluster.advance(SECOND);
    expect(test.node.agentRunning).toBe(true);
    test.node.stopAgent();
    test.node.startAgent();
    test.cluster.advance(30 * SECOND);
    expect(ask(test, new Set(), '/old').code).toBe('200');
  });

  it('is not hit by another pod, nor after its time', () => {
    const test = setUp();
    beginFault(test.cluster, { kind: 'agent-crash', at: 'regenerate', pod: 'default/client', within: 3 * SECOND });
    test.apply(NEW);
    expect([test.node.agentRunning, test.cluster.faults.active]).toEqual([true, 1]);
    test.cluster.advance(3 * SECOND);
    expect(test.cluster.faults.active).toBe(0);
    beginFault(test.cluster, { kind: 'agent-crash', at: 'regenerate', within: 3 * SECOND, for: SECOND });
    test.cluster.advance(4 * SECOND);
    test.apply(OLD);
    expect([test.node.agentRunning, test.cluster.faults.active]).toEqual([true, 0]);
  });

  it('at once, and twice at a time: the last one that ends brings it back', () => {
    const test = setUp();
    beginFault(test.cluster, { kind: 'agent-crash', for: 5 * SECOND });
    beginFault(test.cluster, { kind: 'agent-crash', for: 10 * SECOND });
    test.cluster.advance(6 * SECOND);
    expect([test.node.agentRunning, test.cluster.faults.active]).toEqual([false, 1]);
    test.cluster.advance(5 * SECOND);
    expect([test.node.agentRunning, test.cluster.faults.active]).toEqual([true, 0]);
    expect(beginFault(test.cluster, { kind: 'agent-crash', pod: 'default/server' })).toContain('belong to a step');
  });
});
