import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventRing } from '../../../src/monitor/event_ring.ts';
import { ciliumTool } from '../../../src/shell/cilium/cilium.ts';
import { expandNestedJson } from '../../../src/shell/cilium/nested_json.ts';
import { runCommand } from '../../../src/shell/run_command.ts';
import type { CommandResult } from '../../../src/shell/table.ts';
import { type FileRead, NO_FILES, type ToolContext } from '../../../src/shell/tool.ts';
import { expectGolden } from '../../golden/golden.ts';
import { DENIED_REQUEST, DROP, l7, perf, TO_PROXY, VERDICT } from '../../monitor/records.ts';
import { fakeAgentApi } from '../fake_agent_api.ts';
import { fakeCluster, fakeNode, PODS } from '../fake_cluster.ts';

const ring = new EventRing(4095);
for (const event of [perf(VERDICT), perf(TO_PROXY), perf(DROP), l7(DENIED_REQUEST)]) {
  ring.push(event);
}
const cluster = fakeCluster(fakeNode(ring));
const run = (line: string): CommandResult => runCommand(cluster, line);
const all = ({ exitCode, stdout, stderr }: CommandResult): string =>
  `${stdout}${stderr === '' ? '' : `--- standard error\n${stderr}`}--- exit code ${exitCode}\n`;

describe('exact layouts', () => {
  test.each([
    'status --brief',
    'status --verbose',
    'status --all-addresses',
    'status --all-redirects',
    'status -o json',
    'endpoint list -o json',
    'endpoint list --no-headers',
    'endpoint get 863',
    'endpoint get pod-name:default/xwing',
    'endpoint get 863 -o json',
    "endpoint get 863 -o jsonpath='{[0].status.policy.realized.policy-enabled}'",
    'endpoint get ipv4:10.0.0.123 -o jsonpath={[*].id}',
    'endpoint get -l k8s:org=alliance -o jsonpath={[*].id}',
    'endpoint get 999',
    'endpoint get host',
    'endpoint health 863',
    'endpoint health 863 -o json',
    'endpoint labels 863',
    'endpoint log 863',
    'endpoint config 863',
    'identity list --endpoints',
    'identity list -o json',
    'identity get 5513',
    'identity get world',
    'identity get 77',
    'identity get --label reserved:world',
    'identity list reserved:world',
    'identity list k8s:org=empire',
    'policy get',
    'policy get none',
    'policy get -o json',
    'policy delete --all',
    'policy delete a=b',
    'policy selectors',
    'policy selectors -o json',
    'policy trace -s k8s:org=empire --dst-endpoint 863 --dport 80/tcp',
    'policy trace --src-identity 5513 -s a=b --dst-k8s-pod default:xwing --dport http --dport 53/udp',
    'policy trace --src-k8s-pod default:ywing -d a --dport 1',
    'policy trace -s a -d b --dport 80 -o json',
    'policy wait 2',
    'service list -o json',
    'service get 4',
    'service get 9',
    'node list',
    'node list -o json',
    'fqdn cache list',
    'fqdn cache list -s connection',
    'fqdn cache list -e 863',
    'fqdn cache list -o json',
    'fqdn cache clean -f',
    'fqdn cache clean',
    'fqdn names',
    'bpf policy get 863 -o json',
    'bpf policy get --all',
    'bpf policy list',
    'bpf policy get 999',
    'bpf ct list 863',
    'bpf ct list global -o json',
    'bpf ipcache get 10.0.0.111',
    'bpf ipcache get 8.8.8.8',
    'bpf ipcache list -o json',
    'bpf lb list --frontends',
    'bpf lb list --backends',
    'bpf lb list --source-ranges',
    'bpf lb list -o json',
    'bpf metrics list -o json',
    'bpf endpoint list -o json',
    'bpf tunnel list',
    'bpf nat list',
    'map list',
    'map list --verbose',
    'map get cilium_ipcache',
    'map get cilium_lb4_services_v2 -o json',
    'map get cilium_ct4_global',
    'map get nothing',
    'config',
    'config -r',
    'config -a',
    'config get Tunnel',
    'config get policy-enforcement',
    'config get nothing',
    'config -o json',
    'metrics list',
    'metrics list -p policy',
    'metrics list -o json',
    'version',
    'version -o json',
    'monitor -j',
    'monitor -v -v --type drop',
    'monitor --hex -v -v --type drop',
    'monitor -n --related-to 863',
  ])('cilium %s', (words) => {
    const name = words.replace(/[^A-Za-z0-9]+/g, '-').replace(/-$/, '');
    expectGolden(`shell/cilium/${name}.txt`, all(run(`cilium ${words}`)));
  });
});

describe('changes', () => {
  test('bpf ct flush empties the maps', () => {
    const own = fakeCluster(fakeNode());
    const text = runCommand(own, 'cilium bpf ct flush global').stdout;
    expect(text).toMatch(/^Flushed 3 entries from \/sys\/fs\/bpf\/tc\/globals\/cilium_ct4_global\nFlushed 1 entries from /);
    expect(runCommand(own, 'cilium bpf ct list global').stdout).toBe('\n\n');
  });

  test('bpf endpoint delete takes the entry out', () => {
    const own = fakeCluster(fakeNode());
    expect(runCommand(own, 'cilium bpf endpoint delete 10.0.0.111').exitCode).toBe(0);
    expect(runCommand(own, 'cilium bpf endpoint list').stdout).not.toContain('10.0.0.111');
    expect(runCommand(own, 'cilium bpf endpoint delete 10.0.0.111').exitCode).toBe(1);
  });
});

describe('policy import', () => {
  const calls: string[] = [];
  const node = { ...fakeNode(), api: fakeAgentApi(PODS, calls) };
  const files: Readonly<Record<string, FileRead>> = {
    'a.json': { kind: 'text', text: '[{"endpointSelector":{}}]' },
    'bad.json': { kind: 'text', text: '[\n  {"a": }\n]' },
    'object.json': { kind: 'text', text: '{}' },
    'wrong.json': { kind: 'text', text: '[1]' },
    dir: { kind: 'directory', names: ['.git', 'b', 'c.json'] },
    'dir/b': { kind: 'directory', names: ['d.json'] },
    'dir/b/d.json': { kind: 'text', text: '[{"d":1}]' },
    'dir/c.json': { kind: 'text', text: '[{"c":1}]' },
    loop: { kind: 'directory', names: ['loop'] },
  };
  const typed = (words: string, stdin = ''): CommandResult => {
    const context: ToolContext = {
      cluster: fakeCluster(node),
      agentPod: null,
      nodeName: null,
      stdin,
      readPath: (path) => files[path] ?? (path.startsWith('loop/') ? { kind: 'directory', names: ['loop'] } : NO_FILES(path)),
    };
    const parsed = ciliumTool.parse(words.split(' '));
    return parsed.ok ? parsed.run(context) : { exitCode: parsed.exitCode, stdout: '', stderr: parsed.error };
  };

  test.each([
    ['policy import a.json', '', 'Revision: 3\n', 'put [{"endpointSelector":{}}]'],
    ['policy import -', '[{"x":1}]', 'Revision: 3\n', 'put [{"x":1}]'],
    ['policy import dir', '', 'Revision: 3\n', 'put [{"c":1},{"d":1}]'],
    ['policy import -', '[]', 'No policy specified', null],
    ['policy import -', 'null', 'No policy specified', null],
    ['policy validate a.json', '', 'All policy elements in a.json are valid.\n', null],
    ['policy validate a.json -v=false', '', '', null],
    ['fqdn cache clean', 'y\n', 'FQDN proxy cache cleared\n', 'clean all'],
  ])('%s', (words, stdin, stdout, call) => {
    calls.length = 0;
    const result = typed(words, stdin);
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(result.stdout.endsWith(stdout)).toBe(true);
    expect(calls).toEqual(call === null ? [] : [call]);
  });

  test.each([
    ['policy import none.json', '', 'Cannot parse policy none.json: stat none.json: no such file or directory'],
    ['policy import bad.json', '', 'bad.json:2: syntax error at offset'],
    ['policy import object.json', '', "unable to assign value 'object' to type 'api.Rules'"],
    ['policy import -', 'kind: CiliumNetworkPolicy', 'malformed policy, not JSON?'],
    ['policy import -', '', 'malformed policy, not JSON?'],
    ['policy import loop', '', 'too many levels of directories'],
    ['policy import wrong.json', '', 'Error: a rule is an object'],
    ['policy validate wrong.json', '', 'Validation of policy wrong.json has failed: a rule is an object'],
    ['policy import', '', 'Missing path argument'],
    ['policy delete', '', 'Please use --all flag'],
    ['policy wait', '', 'invalid revision'],
    ['policy wait x', '', "invalid revision 'x'"],
    ['policy trace -d a --dport 80', '', 'Missing source argument'],
    ['policy trace -s a --dport 80', '', 'Missing destination argument'],
    ['policy trace -s a -d b', '', 'Missing destination port/proto'],
    ['policy trace -s a -d b --dport 80/foo', '', 'invalid protocol "FOO"'],
    ['policy trace -s a -d b --dport 99999', '', 'value out of range'],
    ['policy trace -s a -d b --dport 1/2/3', '', 'invalid format "1/2/3"'],
    ['endpoint get', '', 'Missing endpoint id argument'],
    ['endpoint get foo:bar', '', 'unknown endpoint ID prefix "foo"'],
    ['endpoint get 1 -l a', '', 'Cannot provide both endpoint ID and labels'],
    ['endpoint list -o xml', '', "couldn't find output printer"],
    ['service get x', '', 'Unable to parse service ID: x'],
    ['bpf ct list', '', "Missing endpoint id or 'global' argument"],
    ['bpf ipcache get 1.2.3', '', 'Invalid ip address'],
    ['metrics list -p (', '', 'Cannot compile regex'],
    ['config Debug=true', '', 'cannot be changed here'],
    ['monitor --from x', '', 'strconv.Atoi: parsing "x": invalid syntax'],
    ['monitor foo', '', 'arguments not recognized'],
    ['recorder list', '', 'cilium recorder is not modelled'],
    ['bpf srv6 vrf', '', 'cilium bpf srv6 is not modelled'],
    ['endpont list', '', 'did you mean "cilium endpoint list"?'],
  ])('refused: %s', (words, stdin, message) => {
    const result = typed(words, stdin);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain(message);
  });
});

describe('any command line', () => {
  const words = fc.oneof(
    fc.constantFrom(
      'endpoint',
      'policy',
      'bpf',
      'identity',
      'list',
      'get',
      'ct',
      'global',
      '863',
      'trace',
      'monitor',
      'map',
      'config',
      'fqdn',
    ),
    fc.constantFrom(
      '-o',
      'json',
      'yaml',
      'jsonpath={.a[',
      '-s',
      '-d',
      '--dport',
      '80/tcp',
      '--type',
      'drop',
      '-v',
      '--all',
      '-n',
      '--from',
      '-p',
    ),
    fc.constantFrom(
      'lb',
      'ipcache',
      'cache',
      'wait',
      '1',
      'status',
      'metrics',
      'service',
      'import',
      '-',
      'selectors',
      '[0-',
      'a:b',
      '10.0.0.1',
    ),
    fc.string({ maxLength: 8 }),
  );
  test('is answered or refused', () => {
    const context: ToolContext = { cluster, agentPod: null, nodeName: null, stdin: '', readPath: NO_FILES };
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 7 }), (line) => {
        const parsed = ciliumTool.parse(line);
        const stderr = parsed.ok ? parsed.run(context).stderr : parsed.error;
        expect(stderr).not.toMatch(/\n {4}at /);
      }),
      { numRuns: 500 },
    );
  });

  test('nested JSON never hangs', () => {
    fc.assert(
      fc.property(fc.json(), fc.string(), (json, text) => {
        expandNestedJson(JSON.stringify([json, text, { a: `${text}${json}` }], null, 2));
      }),
      { numRuns: 200 },
    );
  });
});
