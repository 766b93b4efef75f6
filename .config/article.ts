/**
 * Writes docs/article.md: each command of scenarios/star-wars/article.sh, what the article shows for it, what trenchrun prints, and why they differ.
 * `npm run article` writes it; a test compares it. A difference that no explanation covers is an error.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseScenario, scenarioShell } from '../src/index.ts';
import { TOP } from '../test/house/support/source.ts';

const SCENARIO = 'scenarios/star-wars/article.yaml';
const SCRIPT = 'scenarios/star-wars/article.sh';
const OUTPUTS = 'test/shell/article';

/** Why lines stand on one side only. */
interface Explanation {
  readonly side: 'article' | 'ours';
  readonly lines: RegExp;
  readonly why: string;
}

/** What the article has to say about a command. */
interface ArticleOutput {
  /** Part of the command. */
  readonly command: string;
  readonly title: string;
  /** What the article shows; `null`: it shows nothing. */
  readonly shown: string | null;
  /** The part of our output that the article shows a part of. */
  readonly part?: (stdout: string) => string;
  /** Whether the order of lines differs, and why. */
  readonly order?: string;
  readonly explanations?: readonly Explanation[];
  readonly note?: string;
}

const text = (name: string): string => readFileSync(join(TOP, OUTPUTS, name), 'utf8').trimEnd();

const COUNTERS: readonly Explanation[] = [
  {
    side: 'article',
    lines: /name=tiefighter 80\/TCP 19313 0 0$|Egress reserved:unknown ANY NONE 0 0$/,
    why: 'The article shows zero bytes and packets after two requests. The programs count every packet that an entry decides (`__policy_can_access` adds to the entry), so on a cluster with traffic these numbers move; the table in the article is that of an endpoint nobody has talked to yet, as the same command shows at the top of this page.',
  },
  {
    side: 'ours',
    lines: /name=tiefighter 80\/TCP 19313 [1-9]|Egress reserved:unknown ANY NONE [1-9]/,
    why: 'Both legs of a proxied connection count on the same entry: client to proxy and, with the identity of the client in the mark, proxy to server. The POST is 12 packets and 1181 bytes, the denied PUT 10 packets and 790 bytes; the server answers with 6 packets and 526 bytes.',
  },
];

const COMMANDS: readonly ArticleOutput[] = [
  { command: 'kind: Service', title: 'The application', shown: null, note: 'The article shows no output.' },
  { command: 'kind: CiliumNetworkPolicy', title: 'The policy', shown: null, note: 'The article shows no output.' },
  {
    command: 'cilium bpf policy get 863',
    title: 'The policy map before any traffic',
    shown: text('cilium-bpf-policy-get-863.txt'),
    note: 'The article prints this table after its two requests, but the numbers are those of this moment.',
  },
  { command: '-XPUT', title: 'The PUT', shown: 'Access denied' },
  { command: '-XPOST', title: 'The POST', shown: 'Ship landed' },
  {
    command: 'kubectl get po -o wide',
    title: 'The pods',
    shown: text('kubectl-get-po-wide.txt'),
    order:
      'The order of rows: k3s keeps its objects in a table and lists them by their last change, which the order in which containers became ready decides.',
  },
  { command: 'agent=$(', title: 'The pod of the agent', shown: null, note: 'An assignment prints nothing.' },
  {
    command: 'kubectl get ciliumendpoint',
    title: 'The endpoints',
    shown: text('kubectl-get-ciliumendpoint.txt'),
    order: 'The order of rows, as above.',
  },
  {
    command: '-- cilium bpf policy get 863',
    title: 'The policy map of the deathstar',
    shown: text('cilium-bpf-policy-get-863.txt'),
    explanations: COUNTERS,
  },
  {
    command: 'config_dump?include_eds',
    title: 'What the proxy was told',
    shown: JSON.stringify(firstPolicy(text('config_dump-networkpolicies.json')), null, 2),
    part: (stdout) => JSON.stringify(firstPolicy(stdout), null, 2),
    note: 'The article shows excerpts of the file; this one is the policy of the deathstar in `NetworkPoliciesConfigDump`, laid out alike on both sides. The whole output also has bootstrap, clusters, listeners and the policies of the other endpoints.',
  },
  {
    command: 'cilium bpf ipcache list',
    title: 'The ipcache',
    shown: text('cilium-bpf-ipcache-list.txt'),
    order: 'The order of rows: the real command reads a Go map, whose order is random.',
  },
  {
    command: 'cilium bpf ct list global',
    title: 'Connection tracking',
    shown: text('cilium-bpf-ct-list-global.txt'),
    order: 'The order of rows: the real map is a hash and lists its buckets; here entries come in the order in which they were made.',
    explanations: [
      {
        side: 'ours',
        lines: /48950|:33984/,
        why: 'Entries of the PUT. The article shows an excerpt of the map: the three entries of the POST.',
      },
      {
        side: 'ours',
        lines: / service expires/,
        why: 'Service entries: which backend the client of a ClusterIP was given (`RxBytes` holds the id of the backend).',
      },
      {
        side: 'ours',
        lines: /^ICMP .* related/,
        why: 'With every new connection the programs make an entry for ICMP errors about it.',
      },
      {
        side: 'ours',
        lines: /^UDP /,
        why: 'Name resolution: with `ndots:5` a name with four dots is tried with the three search domains first.',
      },
    ],
  },
];

/** One statement of the script and what it printed. */
interface Statement {
  readonly source: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Runs the script statement by statement. */
export function runArticle(): Statement[] {
  const read = (path: string): { readonly text: string } => ({ text: readFileSync(join(TOP, path), 'utf8') });
  const parsed = parseScenario(read(SCENARIO).text, { file: SCENARIO, readFile: read });
  if (!parsed.ok) {
    throw new Error(parsed.issues.map(({ message }) => message).join('\n'));
  }
  const shell = scenarioShell(parsed.scenario);
  const statements: Statement[] = [];
  let pending = '';
  for (const line of read(SCRIPT).text.split('\n')) {
    pending += `${line}\n`;
    if (shell.isIncomplete(pending)) {
      continue;
    }
    const source = pending.replace(/^(?:#.*|\s*)\n/gm, '').trimEnd();
    if (source !== '') {
      statements.push({ source, ...shell.run(pending) });
    }
    pending = '';
  }
  return statements;
}

/** The text of docs/article.md. */
export function articlePage(): string {
  const lines = [
    '# The article, command by command',
    '',
    'Generated by `npm run article`: what the article shows and what trenchrun prints, side by side. The commands are those of',
    `[\`${SCRIPT}\`](../${SCRIPT}), which adds nothing but \`sleep\` to the article's; run it with`,
    '',
    '```',
    `npx trenchrun shell ${SCENARIO} ${SCRIPT}`,
    '```',
    '',
    'The web page folds runs of blanks into one, so columns are not aligned on its side; comparisons fold blanks on both sides. Every difference is explained.',
    '',
  ];
  const left = [...COMMANDS];
  for (const statement of runArticle()) {
    if (statement.exitCode !== 0 || statement.stderr !== '') {
      throw new Error(`${statement.source}: exit code ${statement.exitCode}: ${statement.stderr}`);
    }
    if (statement.source.startsWith('sleep ')) {
      lines.push(`\`${statement.source}\` lets time pass.`, '');
      continue;
    }
    const about = left.shift();
    if (about === undefined || !statement.source.includes(about.command)) {
      throw new Error(`nothing is said about: ${statement.source}`);
    }
    lines.push(...section(statement, about));
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function section(statement: Statement, about: ArticleOutput): string[] {
  const ours = (about.part?.(statement.stdout) ?? statement.stdout).trimEnd();
  const lines = [`## ${about.title}`, '', '```sh', statement.source, '```', ''];
  if (about.note !== undefined) {
    lines.push(about.note, '');
  }
  if (about.shown === null) {
    return ours === '' ? lines : [...lines, '```', ours, '```', ''];
  }
  lines.push(
    '<table><tr><th>the article</th><th>trenchrun</th></tr><tr valign="top"><td>',
    '',
    '```',
    about.shown,
    '```',
    '',
    '</td><td>',
    '',
  );
  lines.push('```', ours.replace(/[ \t]+$/gm, ''), '```', '', '</td></tr></table>', '');
  const differences = explain(about, about.shown, ours);
  lines.push(differences.length === 0 ? 'No difference.' : 'Differences:', ...(differences.length === 0 ? [] : ['']), ...differences, '');
  return lines;
}

/** One line per difference; throws if one is not explained. */
function explain(about: ArticleOutput, shown: string, ours: string): string[] {
  const [theirs, printed] = [folded(shown), folded(ours)];
  const only = { article: missing(theirs, printed), ours: missing(printed, theirs) };
  const explanations = about.explanations ?? [];
  const used = new Map<Explanation, number>();
  for (const side of ['article', 'ours'] as const) {
    for (const line of only[side]) {
      const explanation = explanations.find((one) => one.side === side && one.lines.test(line));
      if (explanation === undefined) {
        throw new Error(`${about.title}: nothing explains why this line is ${side === 'ours' ? 'ours' : "the article's"} only:\n${line}`);
      }
      used.set(explanation, (used.get(explanation) ?? 0) + 1);
    }
  }
  const result = [...used].map(
    ([{ side, why }, count]) => `* ${count} line${count === 1 ? '' : 's'} only ${side === 'ours' ? 'here' : 'in the article'}: ${why}`,
  );
  const common = theirs.filter((line) => !only.article.includes(line));
  const order = printed.filter((line) => common.includes(line));
  if (common.join('\n') !== order.join('\n')) {
    if (about.order === undefined) {
      throw new Error(`${about.title}: nothing explains why the order differs`);
    }
    result.push(`* ${about.order}`);
  }
  return result;
}

function folded(output: string): string[] {
  return output
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => line !== '');
}

/** Lines of `a` that `b` does not have as often. */
function missing(a: readonly string[], b: readonly string[]): string[] {
  const rest = [...b];
  return a.filter((line) => {
    const at = rest.indexOf(line);
    if (at >= 0) {
      rest.splice(at, 1);
    }
    return at < 0;
  });
}

/** The first policy of a dump: the file in the article is the dump itself, a whole output has it among `configs`. */
function firstPolicy(json: string): unknown {
  type Dump = { readonly '@type'?: string; readonly networkpolicies?: readonly { readonly endpoint_id?: string }[] };
  const value = JSON.parse(json) as Dump & { readonly configs?: readonly Dump[] };
  const dump = value.configs?.find((one) => one['@type']?.endsWith('NetworkPoliciesConfigDump') === true) ?? value;
  return dump.networkpolicies?.find(({ endpoint_id }) => endpoint_id === '863');
}

if (process.argv[1]?.endsWith('article.ts') === true) {
  writeFileSync(join(TOP, 'docs', 'article.md'), articlePage());
}
