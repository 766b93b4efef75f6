import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EventRing } from '../../src/monitor/event_ring.ts';
import { runCommand } from '../../src/shell/run_command.ts';
import { expectGolden } from '../golden/golden.ts';
import { DROP, perf, VERDICT } from '../monitor/records.ts';
import { fakeCluster, fakeNode } from './fake_cluster.ts';

const events = new EventRing(3);
events.push(perf(VERDICT));
events.push(perf(DROP));
const cluster = fakeCluster(fakeNode(events));
const out = (line: string): string => {
  const result = runCommand(cluster, line);
  expect(result.stderr).toBe('');
  expect(result.exitCode).toBe(0);
  return result.stdout;
};
/** Runs of blanks count as one: that is how the article's outputs came to us. */
const words = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => line !== '');
const AGENT = 'kubectl exec $agent -n kube-system -c cilium-agent --';

describe('the outputs of the article', () => {
  const article = new URL('./article/', import.meta.url);
  const expected = (name: string): string[] => words(readFileSync(new URL(name, article), 'utf8'));

  test('cilium bpf policy get 863', () => {
    expect(words(out(`${AGENT} cilium bpf policy get 863`))).toEqual(expected('cilium-bpf-policy-get-863.txt'));
  });
  test('cilium bpf ipcache list', () => {
    expect(words(out(`${AGENT} cilium bpf ipcache list`)).sort()).toEqual(expected('cilium-bpf-ipcache-list.txt').sort());
  });
  test('cilium bpf ct list global', () => {
    expect(words(out('cilium bpf ct list global')).slice(0, 3)).toEqual(expected('cilium-bpf-ct-list-global.txt'));
  });
  test('kubectl get po -o wide', () => {
    expect(words(out('kubectl get po -o wide -n default')).sort()).toEqual(expected('kubectl-get-po-wide.txt').sort());
  });
  test('kubectl get ciliumendpoint', () => {
    expect(words(out('kubectl get ciliumendpoint -n default'))).toEqual(expected('kubectl-get-ciliumendpoint.txt'));
  });
});

describe('exact layouts', () => {
  test.each([
    ['cilium-bpf-policy-get', 'cilium bpf policy get 863'],
    ['cilium-bpf-policy-get-n', 'cilium bpf policy get 863 -n'],
    ['cilium-bpf-policy-get-empty', 'cilium bpf policy get 775'],
    ['cilium-bpf-ct-list', 'cilium bpf ct list global'],
    ['cilium-bpf-ct-list-d', 'cilium bpf ct list global -d'],
    ['cilium-bpf-ipcache-list', 'cilium bpf ipcache list'],
    ['cilium-bpf-lb-list', 'cilium bpf lb list'],
    ['cilium-bpf-lb-list-revnat', 'cilium bpf lb list --revnat'],
    ['cilium-bpf-endpoint-list', 'cilium bpf endpoint list'],
    ['cilium-bpf-metrics-list', 'cilium bpf metrics list'],
    ['cilium-endpoint-list', 'cilium endpoint list'],
    ['cilium-identity-list', 'cilium identity list'],
    ['cilium-service-list', 'cilium service list'],
    ['cilium-policy-get', 'cilium policy get'],
    ['cilium-status', 'cilium status'],
    ['kubectl-get-po', 'kubectl get po'],
    ['kubectl-get-po-wide', 'kubectl get po -o wide'],
    ['kubectl-get-po-all', 'kubectl get pods -A --show-labels'],
    ['kubectl-get-svc-wide', 'kubectl get svc -o wide'],
    ['kubectl-get-ns', 'kubectl get ns'],
    ['kubectl-get-ciliumendpoint', 'kubectl get ciliumendpoint'],
    ['hubble-observe', 'hubble observe'],
  ])('%s', (name, line) => {
    expectGolden(`shell/${name}.txt`, out(line));
  });

  test('ct list: a blank at the end of lines, an empty line after each map', () => {
    const text = out('cilium bpf ct list global');
    expect(text).toMatch(/IfIndex=0 \n\nICMP/);
    expect(text).toMatch(/IfIndex=0 \n\n$/);
    expect(text).toContain('ICMP IN 10.0.0.123:0 -> 10.0.0.111:0 related expires=58824');
  });
});

describe('command lines', () => {
  test('an agent pod holds the agent tools, other pods their own', () => {
    expect(out('kubectl exec cilium-x7k2p -n kube-system -c cilium-agent -- cilium bpf policy get 863')).toBe(
      out('cilium bpf policy get 863'),
    );
    expect(out('kubectl exec ds/cilium -n kube-system -- cilium service ls')).toBe(out('cilium service list'));
    expect(out('kubectl exec tiefighter -- curl -s -XPOST deathstar/v1/request-landing')).toBe(
      'default/tiefighter: curl|-s|-XPOST|deathstar/v1/request-landing\n',
    );
    expect(out("kubectl exec -n default pod/xwing -- sh -c 'a b'")).toBe('default/xwing: a|b\n');
  });

  test("the proxy's admin interface", () => {
    expect(out(`${AGENT} curl -s --unix-socket /var/run/cilium/envoy-admin.sock http://admin/config_dump?include_eds`)).toBe(
      '{"path":"/config_dump?include_eds"}\n',
    );
  });

  test('monitor', () => {
    const result = runCommand(cluster, 'cilium monitor -t drop');
    expect(result.stdout).toMatch(/^xx drop \(Policy denied\)[^\n]*\n$/);
    expect(result.stderr).toContain('Listening for events on');
    expect(runCommand(cluster, 'cilium monitor -t drops').exitCode).toBe(1);
  });

  test('names, selectors, outputs', () => {
    expect(out('kubectl get po -l org=alliance -o name')).toBe('pod/xwing\n');
    expect(out('kubectl get po -l org!=alliance --no-headers').trim().split('\n')).toHaveLength(2);
    expect(out("kubectl get po -l 'org in (alliance, rebels)' -o jsonpath='{.items[0].metadata.name}'")).toBe('xwing');
    expect(JSON.parse(out('kubectl get po xwing -o json'))).toHaveProperty('metadata.name', 'xwing');
    expect(runCommand(cluster, 'kubectl get po ywing')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'Error from server (NotFound): pods "ywing" not found\n',
    });
    expect(runCommand(cluster, 'kubectl get deploy').stderr).toBe('No resources found in default namespace.\n');
    expect(runCommand(cluster, 'kubectl get ccnp').stderr).toBe('No resources found\n');
  });

  test.each([
    ['kubctl get po', 127, 'did you mean "kubectl"?'],
    ['kubectl gte po', 1, 'did you mean "kubectl get"?'],
    ['kubectl get pood', 1, 'did you mean "pod"?'],
    ['cilium bpf polcy get 863', 1, 'did you mean "cilium bpf policy get"?'],
    ['kubectl get po | grep x', 2, "'|' at character 16"],
    ['kubectl get po "x', 2, 'is not closed'],
    ['kubectl get po --wide', 1, 'unknown flag: --wide'],
    ['kubectl get po --no-header', 1, 'Did you mean --no-headers?'],
    ['curl deathstar', 7, 'inside a pod'],
    ['', 127, 'empty'],
  ])('%s', (line, exitCode, message) => {
    const result = runCommand(cluster, line);
    expect(result.exitCode).toBe(exitCode);
    expect(result.stderr).toContain(message);
  });

  test('bad arguments of known commands fail like the real ones', () => {
    expect(runCommand(cluster, 'cilium bpf policy get').stderr).toContain('Error: Missing endpoint id argument\n');
    expect(runCommand(cluster, 'cilium bpf policy get x').exitCode).toBe(1);
    expect(runCommand(cluster, 'cilium bpf policy get 999').stderr).toContain('no such file or directory');
    expect(runCommand(cluster, 'cilium bpf policy get 863 --nummeric').stderr).toContain(
      'Error: unknown flag: --nummeric\nDid you mean --numeric?\n',
    );
  });
});
