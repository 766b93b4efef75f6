import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CommandResult, scenarioShell } from '../../src/index.ts';
import { TOP } from '../house/support/source.ts';

const FOLDER = join(TOP, 'scenarios', 'star-wars');

/** The guide's commands in order, each with what it printed. */
function runGuide(): (CommandResult & { readonly source: string })[] {
  const shell = scenarioShell(null, {
    readPath: (path) => ({ kind: 'text', text: readFileSync(join(FOLDER, 'manifests', path.split('/').at(-1) as string), 'utf8') }),
  });
  const lines = readFileSync(join(FOLDER, 'guide.sh'), 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map((source) => ({ source, ...shell.run(source) }));
}

describe('guide.sh', () => {
  const results = runGuide();
  const printed = (part: string, nth = 0): CommandResult => {
    const found = results.filter(({ source }) => source.includes(part))[nth];
    expect(found, `${part} #${nth}`).toBeDefined();
    return found as CommandResult;
  };

  it('creates, changes and deletes what the guide does', () => {
    expect(printed('http-sw-app.yaml').stdout).toBe(
      'service/deathstar created\ndeployment.apps/deathstar created\npod/tiefighter created\npod/xwing created\n',
    );
    expect(printed('sw_l3_l4_policy.yaml').stdout).toBe('ciliumnetworkpolicy.cilium.io/rule1 created\n');
    expect(printed('sw_l3_l4_l7_policy.yaml').stdout).toBe('ciliumnetworkpolicy.cilium.io/rule1 configured\n');
    expect(printed('kubectl delete cnp').stdout).toMatch(/^ciliumnetworkpolicy.cilium.io "rule1" deleted/);
    expect(printed('kubectl get pods,svc').stdout).toMatch(/^pod\/deathstar-[a-z0-9]+-[a-z0-9]{5} +1\/1 +Running +0 /m);
    expect(printed('kubectl get pods,svc').stdout).toMatch(/^service\/deathstar +ClusterIP +10\.43\.[0-9.]+ +<none> +80\/TCP /m);
  });

  it('lets land and refuses as the guide says', () => {
    const landing = results.filter(({ source }) => source.includes('exec tiefighter') && source.includes('-XPOST'));
    expect(landing.map(({ stdout }) => stdout.split('\n')[0])).toEqual(landing.map(() => 'Ship landed'));
    expect(landing).toHaveLength(4);
    expect(printed('exec xwing').stdout).toBe('Ship landed\n');
    expect(printed('timeout 10 kubectl exec xwing', 0)).toEqual(expect.objectContaining({ exitCode: 124, stdout: '', stderr: '' }));
    expect(printed('timeout 10 kubectl exec xwing', 1)).toEqual(expect.objectContaining({ exitCode: 124, stdout: '', stderr: '' }));
    expect(printed('-XPUT', 0).stdout).toMatch(/^Panic: deathstar exploded\n\ngoroutine 1 \[running\]:\nmain\.HandleGarbage/);
    expect(printed('-XPUT', 1).stdout).toBe('Access denied\r\n');
  });

  it('shows enforcement of the deathstars alone', () => {
    const rows = (nth: number): string[] =>
      printed('cilium endpoint list', nth)
        .stdout.split('\n')
        .filter((line) => /^[0-9]/.test(line))
        .map((line) => line.split(/\s+/).slice(1, 3).join(' '));
    expect(new Set(rows(0))).toEqual(new Set(['Disabled Disabled']));
    expect(rows(1).filter((row) => row === 'Enabled Disabled')).toHaveLength(2);
    expect(rows(1).filter((row) => row === 'Disabled Disabled')).toHaveLength(rows(1).length - 2);
  });

  it('describes the policy', () => {
    expect(printed('kubectl get cnp').stdout).toMatch(/^NAME +AGE\nrule1 +[0-9]+s\n$/);
    const [before, after] = [printed('kubectl describe cnp rule1').stdout, printed('kubectl describe ciliumnetworkpolicies').stdout];
    const ports = '    To Ports:\n      Ports:\n        Port:      80\n        Protocol:  TCP\n';
    expect(before).toContain(`  Endpoint Selector:\n    Match Labels:\n      Class:  deathstar\n      Org:    empire\n`);
    expect(before).toContain(`${ports}Events:            <none>\n`);
    expect(after).toContain(
      `${ports}      Rules:\n        Http:\n          Method:  POST\n          Path:    /v1/request-landing\nEvents:            <none>\n`,
    );
    const policy = printed('cilium policy get').stdout;
    expect(policy).toContain('"any:class": "deathstar"');
    expect(policy).toMatch(/\]\nRevision: [0-9]+\n$/);
  });

  it('shows requests live while the monitor runs in the background', () => {
    expect(printed('monitor -v --type l7').stderr).toContain('Press Ctrl-C to quit');
    const [post, put] = [printed('-XPOST', 6), printed('-XPUT', 2)];
    expect(post.stdout).toMatch(
      /^Ship landed\n<- Request http from .* verdict Forwarded POST .*\n<- Response http to .* verdict Forwarded POST .* => 200\n$/,
    );
    expect(put.stdout).toMatch(/^Access denied\r\n<- Request http from .* verdict Denied PUT .*\n/);
    expect(printed('kill %1').exitCode).toBe(0);
  });
});

it('a shell in a pod runs what it has, one in the agent one plain command', () => {
  const shell = scenarioShell(null, {
    readPath: () => ({ kind: 'text', text: readFileSync(join(FOLDER, 'manifests', 'http-sw-app.yaml'), 'utf8') }),
  });
  shell.run('kubectl apply -f app.yaml');
  expect(shell.run("kubectl exec tiefighter -- sh -c 'curl -s -XPOST deathstar/v1/request-landing'").stdout).toBe('Ship landed\n');
  expect(shell.run("kubectl exec tiefighter -- sh -c 'echo a | cat && false || echo -n b; nosuch 2>&1'").stdout).toBe(
    'a\nbsh: nosuch: not found\n',
  );
  expect(shell.run("kubectl exec tiefighter -- sh -c 'curl deathstar | '")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('sh: syntax error: unexpected "|"') as string,
  });
  expect(shell.run('echo hello | kubectl exec -i tiefighter -- cat').stdout).toBe('hello\n');
  expect(shell.run("kubectl exec -n kube-system ds/cilium -- bash -c 'cilium status | head'")).toEqual(
    expect.objectContaining({ exitCode: 126, stderr: expect.stringContaining('one plain command') as string }),
  );
  expect(shell.run("kubectl exec -n kube-system ds/cilium -- bash -c 'cilium status --brief'").stdout).toBe('OK\n');
});
