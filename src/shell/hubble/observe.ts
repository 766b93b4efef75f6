/**
 * `hubble observe`: the flows the nodes saw.
 * @see hubble:cmd/observe/flows.go
 */
import type { Flow } from '../../monitor/hubble/flow.ts';
import { observe } from '../../monitor/hubble/observer.ts';
import { type FlowOutput, type FlowPrinterOptions, printFlows } from '../../monitor/hubble/printer.ts';
import { parseFlowTime } from '../../monitor/hubble/time_layout.ts';
import type { NodeView } from '../cluster_view.ts';
import type { FlagSpec, Flags } from '../flags.ts';
import { type CommandResult, failed, printed } from '../table.ts';
import { type Follower, type Parsed, refused, type ToolContext } from '../tool.ts';
import { type HubbleCommand, SERVER_FLAGS } from './command.ts';
import { buildFilters, FILTER_FLAGS, FILTER_SWITCHES, parseFilterFlags } from './filter_flags.ts';
import type { FlowTest } from './flow_filter.ts';
import { flowNames } from './flow_names.ts';
import { observedNodes } from './observed_nodes.ts';

/** How many flows are printed when nothing else is asked for. @see hubble:pkg/defaults/defaults.go#FlowPrintCount */
const DEFAULT_LAST = 20;

const OUTPUTS = ['compact', 'dict', 'json', 'jsonpb', 'table'];
const OUTPUT_FORMS: ReadonlyMap<string, FlowOutput> = new Map([
  ['compact', 'compact'],
  ['dict', 'dict'],
  ['json', 'json'],
  ['JSON', 'json'],
  ['jsonpb', 'json'],
  ['tab', 'table'],
  ['table', 'table'],
]);
const SHORT: Readonly<Record<string, string>> = { type: 't', namespace: 'n', label: 'l', ipv4: '4', ipv6: '6' };

const FLAGS: readonly FlagSpec[] = [
  { name: 'all' },
  { name: 'first', value: true },
  { name: 'last', value: true },
  { name: 'since', value: true },
  { name: 'until', value: true },
  { name: 'follow', short: 'f' },
  { name: 'output', short: 'o', value: true, choices: OUTPUTS },
  { name: 'time-format', value: true },
  { name: 'print-node-name' },
  { name: 'ip-translation' },
  { name: 'numeric' },
  { name: 'color', value: true, choices: ['auto', 'always', 'never'] },
  { name: 'silent-errors', short: 's' },
  ...FILTER_FLAGS.map((name): FlagSpec => {
    const short = SHORT[name];
    return { name, ...(short === undefined ? {} : { short }), ...(FILTER_SWITCHES.includes(name) ? {} : { value: true }) };
  }),
  ...SERVER_FLAGS,
];

/** The command. */
export const observeCommand: HubbleCommand = {
  words: 'observe',
  aliases: ['observe flows'],
  summary: 'print flows',
  flags: FLAGS,
  prepare,
};

/** What to print: a selection, a test and a form. */
interface Request {
  readonly test: FlowTest;
  readonly printer: FlowPrinterOptions;
  /** 0 = not limited. */
  readonly number: number;
  /** Count from the oldest flow. */
  readonly first: boolean;
  readonly since: string | null;
  readonly until: string | null;
  readonly follow: boolean;
}

/** Checks in the order of the real command: flags, printer, selection, then what the server says of the filters. */
function prepare(flags: Flags): Parsed {
  if (flags.positional.length > 0) {
    return refused(`unknown command ${JSON.stringify(flags.positional[0])} for "hubble observe"`);
  }
  const filters = parseFilterFlags(flags.given.filter(([name]) => FILTER_FLAGS.includes(name)));
  if ('error' in filters) {
    return refused(filters.error);
  }
  const printer = printerOptions(flags);
  if ('error' in printer) {
    return refused(printer.error);
  }
  const selection = selectionOf(flags);
  if ('error' in selection) {
    return refused(selection.error);
  }
  const test = buildFilters(filters);
  if (typeof test !== 'function') {
    return refused(test.error);
  }
  const request: Request = { test, printer, ...selection };
  const run = (context: ToolContext): CommandResult => list(context, request);
  return request.follow ? { ok: true, run, follow: (context) => follow(context, request) } : { ok: true, run };
}

/** @see hubble:cmd/observe/flows.go#handleFlowArgs @remarks Simplified: output is never coloured, as on a pipe. */
function printerOptions(flags: Flags): FlowPrinterOptions | { readonly error: string } {
  const word = flags.value('output') ?? 'compact';
  const output = OUTPUT_FORMS.get(word);
  if (output === undefined) {
    return { error: `invalid output format: ${word}` };
  }
  if (output === 'table' && flags.has('follow')) {
    return { error: 'table output format is not compatible with follow mode' };
  }
  return {
    output,
    timeFormat: flags.value('time-format') ?? 'StampMilli',
    nodeName: flags.has('print-node-name'),
    ipTranslation: !flags.has('numeric') && flags.value('ip-translation') !== 'false',
  };
}

/** @see hubble:cmd/observe/flows.go#getFlowsRequest */
function selectionOf(flags: Flags): Omit<Request, 'test' | 'printer'> | { readonly error: string } {
  const counts: Record<'first' | 'last', number> = { first: 0, last: 0 };
  for (const name of ['first', 'last'] as const) {
    const text = flags.value(name) ?? '0';
    if (!/^\d{1,15}$/.test(text)) {
      const quoted = JSON.stringify(text);
      return { error: `invalid argument ${quoted} for "--${name}" flag: strconv.ParseUint: parsing ${quoted}: invalid syntax` };
    }
    counts[name] = Number(text);
  }
  const { first, last } = counts;
  const clash = [
    [first > 0 && last > 0, '--first', '--last'],
    [first > 0 && flags.has('all'), '--first', '--all'],
    [first > 0 && flags.has('follow'), '--first', '--follow'],
    [last > 0 && flags.has('all'), '--last', '--all'],
  ].find(([both]) => both);
  if (clash !== undefined) {
    return { error: `cannot set both ${String(clash[1])} and ${String(clash[2])}` };
  }
  const since = flags.value('since');
  const until = flags.has('follow') ? null : flags.value('until');
  for (const [name, text] of [
    ['since', since],
    ['until', until],
  ] as const) {
    if (text !== null && text !== '' && parseFlowTime(text, 0) === null) {
      return { error: `failed to parse the ${name} time: failed to convert ${text} to time` };
    }
  }
  const vanilla = since === null && until === null && first === 0 && last === 0 && !flags.has('all') && !flags.has('follow');
  return {
    number: first > 0 ? first : vanilla ? DEFAULT_LAST : last,
    first: first > 0,
    since: since === '' ? null : since,
    until: until === '' ? null : until,
    follow: flags.has('follow'),
  };
}

/**
 * The flows a node's server sends, from its ring buffer.
 * @see cilium:pkg/hubble/observer/local_observer.go#newRingReader
 * @see cilium:pkg/hubble/observer/local_observer.go#eventsReader.Next
 */
function select(flows: readonly Flow[], request: Request, now: number): readonly Flow[] {
  const since = request.since === null ? null : parseFlowTime(request.since, now);
  const until = request.until === null ? null : parseFlowTime(request.until, now);
  const passing = flows.filter(
    (flow) => (since === null || flow.time >= since) && (until === null || flow.time <= until) && request.test(flow),
  );
  const { number } = request;
  if (number === 0) {
    return passing;
  }
  // A time to start from wins: the number then counts from there.
  if (request.first || since !== null) {
    return passing.slice(0, number);
  }
  // The reader goes back so many matching flows before it looks at the end of the time range.
  const start =
    until === null
      ? passing.length - number
      : passing.length - Math.max(0, number - flows.filter((flow) => flow.time > until && request.test(flow)).length);
  return passing.slice(Math.max(0, start));
}

/** @remarks Simplified: with `--follow` in the foreground of a script, where nothing more could happen, everything the ring holds is listed. */
function list(context: ToolContext, request: Request): CommandResult {
  const nodes = observedNodes(context);
  return typeof nodes === 'string' ? failed(nodes) : printed(printFlows(selected(context, nodes, request), request.printer));
}

function selected(context: ToolContext, nodes: readonly NodeView[], request: Request): Flow[] {
  const { cluster } = context;
  const now = cluster.wallMillis();
  return nodes.flatMap((node) => select(observe(node.events.since(0), flowNames(cluster, node)), request, now)).sort(byTime);
}

/** New flows as they come; `--last` and `--since` first show some of the old ones. */
function follow(context: ToolContext, request: Request): Follower {
  const nodes = observedNodes(context);
  if (typeof nodes === 'string') {
    return { next: () => failed(nodes) };
  }
  const { cluster } = context;
  const rewinds = request.number > 0 || request.since !== null;
  let waiting = rewinds ? selected(context, nodes, request) : [];
  const readers = nodes.map((node) => ({ node, events: node.events.follow().events, read: 0 }));
  let first = true;
  return {
    next: () => {
      const fresh = readers.flatMap((reader) => {
        // Responses need their requests for the latency: read from the start, print what is new.
        const flows = observe(reader.events, flowNames(cluster, reader.node));
        const news = flows.slice(reader.read).filter(request.test);
        reader.read = flows.length;
        return news;
      });
      const flows = [...waiting, ...fresh.sort(byTime)];
      waiting = [];
      const text = printFlows(flows, request.printer);
      const separated = request.printer.output === 'dict' && !first && flows.length > 0 ? `${'-'.repeat(12)}\n${text}` : text;
      first &&= flows.length === 0;
      return printed(separated);
    },
  };
}

function byTime(a: Flow, b: Flow): number {
  return a.time - b.time;
}
