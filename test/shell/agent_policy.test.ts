/** Policies given to the agent itself, and an endpoint's audit mode, typed at the article's cluster. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseScenario } from '../../src/scenario/parse.ts';
import { scenarioShell } from '../../src/scenario/scenario_shell.ts';
import type { Shell } from '../../src/shell/shell.ts';
import { TOP } from '../house/support/source.ts';

const FILE = 'scenarios/star-wars/article.yaml';

function article(): Shell {
  const readFile = (path: string) => ({ text: readFileSync(join(TOP, path), 'utf8') });
  const parsed = parseScenario(readFile(FILE).text, { file: FILE, readFile });
  const shell = scenarioShell(parsed.ok ? parsed.scenario : null, {
    readPath: (path) =>
      path.startsWith('manifests/')
        ? { kind: 'text', text: readFileSync(join(TOP, 'scenarios/star-wars', path), 'utf8') }
        : { kind: 'error', error: 'No such file or directory' },
  });
  expect(shell.run('kubectl apply -f manifests/app.yaml -f manifests/rule1.yaml').exitCode).toBe(0);
  return shell;
}

const RULE = `cat > r.json <<EOF
[{"endpointSelector": {"matchLabels": {"class": "xwing"}}, "labels": [{"key": "mine"}],
  "egress": [{"toEndpoints": [{"matchLabels": {"class": "deathstar"}}]}]}]
EOF
cilium policy import r.json`;

test('import, wait and delete: the map of the endpoint follows', () => {
  const shell = article();
  const egress = (): string[] =>
    shell.run('cilium bpf policy get 775 -n | grep Egress | tr -s " " | cut -d" " -f3').stdout.trim().split('\n');
  expect(egress()).toEqual(['0']);
  expect(shell.run(RULE)).toMatchObject({ exitCode: 0, stdout: 'Revision: 3\n' });
  expect(shell.run('cilium policy wait 3').exitCode).toBe(0);
  expect(egress()).toEqual(['2033']);
  expect(shell.run('cilium policy get mine | tail -1').stdout).toBe('Revision: 3\n');
  expect(shell.run('cilium endpoint list | grep "^775" | tr -s " " | cut -d" " -f2,3').stdout).toBe('Disabled Enabled\n');
  expect(shell.run('kubectl exec xwing -- curl -s -m 3 8.8.8.8').exitCode).toBe(28);
  expect(shell.run('hubble observe --from-pod xwing --verdict DROPPED --last 1').stdout).toContain('Policy denied DROPPED');
  expect(shell.run('cilium policy delete mine').stdout).toBe('Revision: 4\n');
  expect(shell.run('cilium policy wait 4').exitCode).toBe(0);
  expect(egress()).toEqual(['0']);
  expect(shell.run('cilium policy get mine').stderr).toContain('404');
});

test('a revision that does not come is waited for in vain', () => {
  const { exitCode, stderr } = article().run('cilium policy wait 9 --max-wait-time 3');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('endpoints still not ready');
});

test('audit mode of one endpoint: what would be dropped passes and is told', () => {
  const shell = article();
  const ask = (): ReturnType<Shell['run']> => shell.run('kubectl exec xwing -- curl -s -m 5 -XPOST deathstar/v1/request-landing');
  expect(ask().exitCode).toBe(28);
  expect(shell.run('cilium endpoint config 863 PolicyAuditMode=Enabled').stdout).toBe('Endpoint 863 configuration updated successfully\n');
  expect(shell.run('cilium endpoint config 863 | grep Audit | tr -s " "').stdout).toBe('PolicyAuditMode : Enabled\n');
  expect(shell.run('cilium endpoint list | grep "^863"').stdout).toContain('Disabled (Audit)');
  expect(shell.run('cilium endpoint get 863 -o json | jq -r ".[0].status.policy.realized[\\"policy-enabled\\"]"').stdout).toBe(
    'audit-ingress\n',
  );
  expect(ask().exitCode).toBe(0);
  expect(shell.run('hubble observe --verdict AUDIT').stdout).toContain('AUDITED');
  shell.run('cilium endpoint config 863 policyauditmode=off');
  expect(ask().exitCode).toBe(28);
});

test.each([
  ['863 PolicyAuditMod=on', 'did you mean "PolicyAuditMode"?'],
  ['863 PolicyAuditMode', 'invalid option format'],
  ['863 PolicyAuditMode=maybe', 'invalid option value maybe'],
  ['863 Debug=on', 'only PolicyAuditMode can be changed here'],
  ['1 PolicyAuditMode=on', 'Cannot get configuration of endpoint 1'],
])('cilium endpoint config %s', (words, message) => {
  const { exitCode, stderr } = article().run(`cilium endpoint config ${words}`);
  expect(stderr).toContain(message);
  expect(exitCode).toBe(1);
});
