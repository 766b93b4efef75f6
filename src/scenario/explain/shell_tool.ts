/** `explain` at the shell's prompt: the question of `trenchrun explain` asked of the cluster as it is now. */
import type { Cluster } from '../../cluster/cluster.ts';
import { completeFlags, type FlagSpec, flagHint, parseFlags } from '../../shell/flags.ts';
import { failed, printed } from '../../shell/table.ts';
import { type Parsed, ready, refused, type Tool } from '../../shell/tool.ts';
import { plainText } from '../report/block.ts';
import { explainOn } from './explain.ts';
import { podNames, serviceNames } from './place.ts';
import { parseQuestion } from './question.ts';
import { explanationText } from './text.ts';

const EXIT_USAGE = 2;
const USAGE = `usage: explain --from POD --to POD|SERVICE|IP|NAME [--http "PUT /path"|--grpc SERVICE/METHOD [-H "Name: value"]... [-d BODY]] [--port N/PROTOCOL] [--json]
The request is really sent: counters and connection tracking move as they would.
`;

/** The tool of a cluster. */
export function explainTool(cluster: Cluster): Tool {
  const flags: readonly FlagSpec[] = [
    { name: 'from', value: true },
    { name: 'to', value: true },
    { name: 'http', value: true },
    { name: 'grpc', value: true },
    { name: 'header', short: 'H', value: true },
    { name: 'data', short: 'd', value: true },
    { name: 'port', value: true },
    { name: 'json' },
    { name: 'help', short: 'h' },
  ];
  return {
    name: 'explain',
    summary:
      'may a pod reach another, and why: explain --from POD --to POD|SERVICE|IP|NAME [--http "PUT /path"|--grpc SERVICE/METHOD] [--port N/PROTOCOL] [--json]',
    parse: (args) => parse(args, flags, cluster),
    complete: (words) => {
      const before = words.at(-2);
      const names = before === '--from' || before === '--to' ? podNames(cluster).map((name) => name.replace(/^default\//, '')) : [];
      const services = before === '--to' ? serviceNames(cluster).map((name) => `svc/${name.replace(/^default\//, '')}`) : [];
      return names.length + services.length > 0 ? [...names, ...services] : (completeFlags(words, flags) ?? []);
    },
  };
}

function parse(args: readonly string[], specs: readonly FlagSpec[], cluster: Cluster): Parsed {
  const parsed = parseFlags(args, specs);
  if (!parsed.ok) {
    return refused(`explain: ${parsed.error}`, EXIT_USAGE, flagHint(parsed.error, specs) ?? undefined);
  }
  const { flags } = parsed;
  if (flags.has('help')) {
    return ready(() => printed(USAGE));
  }
  const [from, to, http, grpc, port, body] = ['from', 'to', 'http', 'grpc', 'port', 'data'].map((name) => flags.value(name) ?? undefined);
  const [extra] = flags.positional;
  if (from === undefined || to === undefined || extra !== undefined) {
    const what = extra === undefined ? `--${from === undefined ? 'from' : 'to'} is missing` : `unexpected argument "${extra}"`;
    return refused(`explain: ${what}`, EXIT_USAGE, USAGE.trimEnd());
  }
  const question = parseQuestion({
    from,
    to,
    headers: flags.values('header'),
    ...(http === undefined ? {} : { http }),
    ...(grpc === undefined ? {} : { grpc }),
    ...(port === undefined ? {} : { port }),
    ...(body === undefined ? {} : { body }),
  });
  if (!question.ok) {
    return refused(`explain: ${question.error}`, EXIT_USAGE);
  }
  return ready(() => {
    const answer = explainOn(cluster, question.value);
    if (!answer.ok) {
      return failed(`explain: ${answer.error}`);
    }
    return printed(flags.has('json') ? `${JSON.stringify(answer.value, null, 2)}\n` : plainText(explanationText(answer.value)));
  });
}
