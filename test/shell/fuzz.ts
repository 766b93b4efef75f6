// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of the shell
/**
 * Random and mutated command lines and scripts: no exception, no hang, exit codes as a shell gives them, no trace of the machinery in messages.
 * `npm run fuzz` runs ten thousand; the tests run some hundreds.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseScenario, type Shell, scenarioShell } from '../../src/index.ts';
import { Rng } from '../../src/sim/rng.ts';
import { TOP } from '../house/support/source.ts';

/** Longest time a line may take, in milliseconds. */
const LIMIT = 10_000;
/** A shell is used for so many lines: state is a part of what is tried. */
const LINES_PER_SHELL = 50;
/** What must never be seen. */
const TRACES = /\n {4}at |TypeError|RangeError|ReferenceError|\[object |\bundefined\b|Maximum call stack/;

const SEEDS: readonly string[] = [
  'kubectl get po -o wide -n default',
  "agent=$(kubectl get po -l app.kubernetes.io/name=cilium-agent -n kube-system -o jsonpath='{.items[0].metadata.name}')",
  'kubectl exec $agent -n kube-system -c cilium-agent -- cilium bpf policy get 863',
  'kubectl exec tiefighter -- curl -s -XPUT deathstar.default.svc.cluster.local/v1/exhaust-port',
  'kubectl exec $agent -n kube-system -- curl -s --unix-socket /var/run/cilium/envoy-admin.sock http://admin/config_dump?include_eds',
  'cilium bpf ct list global | grep -v related | sort -k2 | head -3',
  'cilium endpoint list -o json | jq -r ".[].id"',
  'cilium monitor -t drop -t trace -v &',
  'timeout 3 cilium monitor --from 863 --related-to 775',
  'hubble observe --verdict DROPPED --last 5 -o jsonpb',
  'hubble observe --follow --pod default/xwing | grep -c SYN &',
  'kill %1; wait; jobs',
  'kubectl label pod xwing org=empire --overwrite && kubectl get po --show-labels',
  'kubectl scale deploy deathstar --replicas=3; sleep 2; kubectl get ep',
  'kubectl describe cnp rule1 | sed -n "s/^ *Port: *//p"',
  'kubectl apply -f - <<EOF\napiVersion: v1\nkind: Pod\nmetadata: {name: p$x}\nspec: {containers: [{name: c, image: i}]}\nEOF',
  'for i in 1 2 3; do echo $i; [ $i -gt 1 ] && break; done',
  'while read a b; do echo "$b"; done <<< "x y z"',
  'if kubectl get po nope 2>/dev/null; then echo yes; else echo "no: $?"; fi',
  'case $x in a*|b) echo ab;; *) echo other;; esac',
  'f() { local y=$1; echo ${y:-none} ${#y} ${y%.*}; return 3; }; f a.b; echo $?',
  'set -euo pipefail; echo $((1 + 2 * (3 - x)))',
  'set +e +u; set +o pipefail; x=5',
  'echo a > f; cat < f >> g 2>&1; wc -l g; rm f',
  '(cd nowhere || exit 4); { echo a; } | tee h | tr a-z A-Z',
  'kubectl get po -A -o json | jq ".items[] | select(.metadata.namespace == \\"default\\") | .status.podIP"',
  'cilium identity list; cilium policy get; cilium status --brief; cilium bpf metrics list',
  'kubectl delete pod xwing --wait=false; kubectl run q --image=busybox -- sleep 5',
  'printf "%s-%05d\\n" a 7 b; echo -e "x\\ty"; seq 1 3 | xargs -n1 echo n',
  'help | head -5; type kubectl; export A=1; env | sort',
  'sh -c \'echo $1\' z y; eval "echo \\$x"; : ; true; false; ! true',
];
const PIECES: readonly string[] = [
  ...'|&;<>()$`\\"\' \t\n*?[]{}!#=~%-+/,.:@^_0123456789',
  ...[
    '&&',
    '||',
    ';;',
    '<<',
    '<<EOF\n',
    '\nEOF\n',
    '$(',
    '${',
    '$((',
    '))',
    '2>&1',
    '>>',
    ' -n ',
    ' --',
    ' -o ',
    'json',
    'jsonpath={',
    ' -f -',
    '$x',
    '$?',
    '$@',
    '\u0000',
    'é',
    '\ud83d\ude80',
    '\ud800',
    '99999999999999999999',
    '-1',
    'true',
    'while ',
    'do ',
    'done',
    'if ',
    'fi',
    'exit ',
    'cilium ',
    'kubectl ',
    'sleep 1d',
    '/dev/null',
    'default/',
    '../',
    '{1..999999999}',
    '%n%*d',
    '(a*)*b',
    '__proto__',
    'constructor',
    'toString',
  ],
];

/** What went wrong with a line. */
export interface FuzzFailure {
  readonly script: string;
  readonly why: string;
}

/** Runs so many lines from a seed and returns what went wrong. */
export function fuzz(
  count: number,
  seed: number,
): { readonly failures: readonly FuzzFailure[]; readonly exitCodes: ReadonlyMap<number, number>; readonly slowest: number } {
  const rng = new Rng(seed);
  const failures: FuzzFailure[] = [];
  const exitCodes = new Map<number, number>();
  let slowest = 0;
  let shell = newShell();
  for (let i = 0; i < count; i++) {
    if (i % LINES_PER_SHELL === 0) {
      shell = newShell();
    }
    const script = randomScript(rng);
    const before = performance.now();
    const failure = tryScript(shell, script, exitCodes);
    const took = performance.now() - before;
    slowest = Math.max(slowest, took);
    const why = failure ?? (took > LIMIT ? `it took ${Math.round(took)} ms` : null);
    if (why !== null) {
      failures.push({ script, why });
      shell = newShell();
    }
  }
  return { failures, exitCodes, slowest };
}

/** What is wrong with what a script did; `null` if nothing is. */
export function tryScript(shell: Shell, script: string, exitCodes = new Map<number, number>()): string | null {
  try {
    const { exitCode, stdout, stderr } = shell.run(script);
    exitCodes.set(exitCode, (exitCodes.get(exitCode) ?? 0) + 1);
    if (!Number.isInteger(exitCode) || exitCode < 0 || exitCode > 255) {
      return `exit code ${exitCode}`;
    }
    if (exitCode === 127 && stderr === '' && script.replaceAll('\u0000', '').trim() !== '' && !/2>|&>|exit|return/.test(script)) {
      return 'not found, and nothing said';
    }
    const trace = TRACES.exec(stderr.replaceAll(script, '')) ?? /\n {4}at .*\.ts:/.exec(stdout);
    if (trace !== null && !script.includes(trace[0].trim())) {
      return `a trace: ${trace[0]} in ${stderr.slice(0, 300)}`;
    }
    shell.complete(script.split('\n')[0] as string);
    shell.isIncomplete(script);
    return null;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

/** A shell on the article's cluster with its objects. */
export function newShell(): Shell {
  const file = 'scenarios/star-wars/article.yaml';
  const read = (path: string): { readonly text: string } => ({ text: readFileSync(join(TOP, path), 'utf8') });
  const parsed = parseScenario(read(file).text, { file, readFile: read });
  if (!parsed.ok) {
    throw new Error(parsed.issues[0]?.message);
  }
  const shell = scenarioShell(parsed.scenario, {
    readPath: (path) =>
      path.startsWith('scenarios/') && path.endsWith('.yaml') && !path.includes('..')
        ? { kind: 'text', ...read(path) }
        : { kind: 'error', error: 'No such file or directory' },
  });
  shell.run('kubectl apply -f scenarios/star-wars/manifests/app.yaml -f scenarios/star-wars/manifests/rule1.yaml');
  return shell;
}

function randomScript(rng: Rng): string {
  const kind = rng.below(10);
  if (kind === 0) {
    return Array.from({ length: 1 + rng.below(12) }, () => pick(rng, PIECES)).join('');
  }
  if (kind === 1) {
    const words = SEEDS.flatMap((line) => line.split(/\s+/));
    return Array.from({ length: 1 + rng.below(8) }, () => pick(rng, words)).join(' ');
  }
  let script = pick(rng, SEEDS);
  if (kind < 5) {
    script += pick(rng, ['\n', ' | ', ' && ', '; ', ' || ', '\n']) + pick(rng, SEEDS);
  }
  for (let edits = rng.below(5); edits > 0; edits--) {
    script = mutate(rng, script);
  }
  return script;
}

function mutate(rng: Rng, script: string): string {
  const at = rng.below(script.length + 1);
  const end = Math.min(script.length, at + 1 + rng.below(6));
  switch (rng.below(6)) {
    case 0:
      return script.slice(0, at) + script.slice(end);
    case 1:
      return script.slice(0, at) + pick(rng, PIECES) + script.slice(at);
    case 2:
      return script.slice(0, at) + pick(rng, PIECES) + script.slice(end);
    case 3:
      return script.slice(0, end) + script.slice(at);
    case 4: {
      const words = script.split(' ');
      words.splice(rng.below(words.length), rng.below(2), pick(rng, pick(rng, SEEDS).split(' ')));
      return words.join(' ');
    }
    default:
      return script.slice(0, at);
  }
}

function pick<T>(rng: Rng, items: readonly T[]): T {
  return items[rng.below(items.length)] as T;
}

if (process.argv[1]?.endsWith('fuzz.ts') === true) {
  const [count = 10_000, seed = 1] = process.argv.slice(2).map(Number);
  const { failures, exitCodes, slowest } = fuzz(count, seed);
  for (const { script, why } of failures) {
    console.log(`--- ${JSON.stringify(script)}\n${why}`);
  }
  const codes = [...exitCodes].sort(([a], [b]) => a - b).map(([code, times]) => `${code}: ${times}`);
  console.log(
    `${count} scripts from seed ${seed}: ${failures.length} failures; slowest ${Math.round(slowest)} ms; exit codes ${codes.join(', ')}`,
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
}
