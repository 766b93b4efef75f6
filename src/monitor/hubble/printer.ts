/**
 * Flows as `hubble observe` prints them.
 * @see hubble:pkg/printer/printer.go#Printer.WriteProtoFlow
 */
import { reservedIdentityName } from '../../maps/identity.ts';
import { civilTime } from '../../net/http_date.ts';
import { l7Proto } from '../log_record.ts';
import type { Flow, FlowEndpoint } from './flow.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DICT_SEPARATOR = '-'.repeat(12);

/** One line: client left of the arrow, server right. */
export function compactFlow(flow: Flow): string {
  const [left, right, arrow] =
    flow.isReply === null
      ? [flow.source, flow.destination, '<>']
      : flow.isReply
        ? [flow.destination, flow.source, '<-']
        : [flow.source, flow.destination, '->'];
  return (
    `${flowTime(flow.time)}: ${endText(left)} ${identityLabel(left)} ${arrow} ${endText(right)} ${identityLabel(right)} ` +
    `${flowType(flow)} ${verdictText(flow)} (${flow.summary})`
  );
}

/** The lines of one flow in `-o dict`; flows are separated by a line of dashes. */
export function dictFlow(flow: Flow, first: boolean): string[] {
  const lines = [
    `  TIMESTAMP: ${flowTime(flow.time)}`,
    `     SOURCE: ${endText(flow.source)}`,
    `DESTINATION: ${endText(flow.destination)}`,
    `       TYPE: ${flowType(flow)}`,
    `    VERDICT: ${verdictText(flow)}`,
    `    SUMMARY: ${flow.summary}`,
  ];
  return first ? lines : [DICT_SEPARATOR, ...lines];
}

/** `Jun 12 03:04:05.101`, UTC. */
export function flowTime(wallMillis: number): string {
  const t = civilTime(wallMillis);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = String(t.day).padStart(2, ' ');
  return `${MONTHS[t.month - 1] as string} ${day} ${two(t.hour)}:${two(t.minute)}:${two(t.second)}.${String(t.millis).padStart(3, '0')}`;
}

/** The TYPE column. @see hubble:pkg/printer/printer.go#GetFlowType */
export function flowType(flow: Flow): string {
  const { event } = flow;
  switch (event.kind) {
    case 'drop':
      return event.reason;
    case 'trace':
      return event.point;
    case 'policy-verdict':
      return flow.direction === null ? `policy-verdict:${event.match}` : `policy-verdict:${event.match} ${flow.direction}`;
    case 'l7': {
      const { record } = event;
      const dns = record.dns === undefined ? '' : ` ${record.dns.observationSource} ${record.dns.qTypes.join(',')}`;
      return `${l7Proto(record)}-${record.type.toLowerCase()}${dns}`;
    }
  }
}

/** The VERDICT column. @see hubble:pkg/printer/printer.go#Printer.getVerdict */
export function verdictText(flow: Flow): string {
  if (flow.event.kind !== 'policy-verdict') {
    return flow.verdict;
  }
  switch (flow.verdict) {
    case 'FORWARDED':
    case 'REDIRECTED':
      return 'ALLOWED';
    case 'DROPPED':
    case 'ERROR':
      return 'DENIED';
    case 'AUDIT':
      return 'AUDITED';
  }
}

function endText(end: FlowEndpoint): string {
  const name = end.podName === '' ? end.ip : `${end.namespace}/${end.podName}`;
  return end.port === 0 ? name : `${name}:${end.port}`;
}

function identityLabel(end: FlowEndpoint): string {
  const reserved = reservedIdentityName(end.identity);
  return reserved === null ? `(ID:${end.identity})` : `(${reserved})`;
}
