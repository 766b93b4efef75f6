/** An explanation for people: the verdict, then its derivation in the order of the packet's route. */
import { protocolName } from '../../net/protocol.ts';
import { BLANK, columns, type Line, type Span, span } from '../report/block.ts';
import type { Explanation, MatcherCheck, OriginText, Peer, PolicyCheck, ProxyHop, ProxyRuleCheck, TriedKey } from './explanation.ts';

const INDENT = '  ';
const DEEP = '      ';

/** The lines of an explanation. */
export function explanationText(explanation: Explanation): Line[] {
  const { title, verdict, decidedBy, why, outcome, service, ipcache, checks, proxy, notes } = explanation;
  return [
    [span(verdict === 'allowed' ? '✓ ' : '✗ ', verdict === 'allowed' ? 'good' : 'bad'), span(title, 'title')],
    [span(INDENT), span(verdict, verdict === 'allowed' ? 'good' : 'bad'), span(`, decided by ${decidedBy}: ${why}`)],
    [span(`${INDENT}the client sees: `, 'faint'), span(outcome, 'strong')],
    BLANK,
    ...peerLines('from', explanation.source),
    ...(service === null
      ? []
      : [
          heading('service', `${service.frontend}${service.name === null ? '' : ` (${service.name})`} is translated to ${service.backend}`),
        ]),
    ...peerLines('to', explanation.destination),
    ...ipcache.map(({ ip, prefix, identity }) =>
      heading('ipcache', prefix === null ? `${ip} has no entry: identity ${identity}` : `${ip} is in ${prefix}: identity ${identity}`),
    ),
    ...numbered(checks, proxy),
    ...notes.map((note) => heading('note', note)),
  ];
}

function heading(word: string, text: string): Line {
  return [span(`${INDENT}${word.padEnd(8)}`, 'faint'), span(text)];
}

function peerLines(word: string, peer: Peer): Line[] {
  const { name, ip, endpointId, identity, labels, ignoredLabels } = peer;
  const parts = [
    ip === name ? '' : ip,
    endpointId === null ? '' : `endpoint ${endpointId}`,
    identity === null ? '' : `identity ${identity}`,
  ];
  return [
    [
      span(`${INDENT}${word.padEnd(8)}`, 'faint'),
      span(name, 'name'),
      span(`  ${parts.filter((part) => part !== '').join(', ')}${labels.length === 0 ? '' : ', which stands for'}`),
    ],
    ...labels.map((label): Line => [span(DEEP), span(label)]),
    ...ignoredLabels.map((label): Line => [span(DEEP), span(`${label} (does not count)`, 'faint')]),
  ];
}

/** The checks in the order of the packet's route: the client's packet, the proxy, the proxy's packet. */
function numbered(checks: readonly PolicyCheck[], proxy: ProxyHop | null): Line[] {
  const client = checks.filter(({ leg }) => leg === 'client').map(checkLines);
  const upstream = checks.filter(({ leg }) => leg === 'proxy').map(checkLines);
  const blocks = [...client, ...(proxy === null ? [] : [proxyLines(proxy)]), ...upstream];
  return blocks.flatMap(([first = [], ...rest], i) => [BLANK, [span(`${INDENT}${i + 1}. `, 'faint'), ...first], ...rest]);
}

function checkLines(check: PolicyCheck): Line[] {
  const bad = check.verdict === 'drop' && !check.audited;
  const passed = check.leg === 'proxy' && check.verdict === 'redirect';
  const word = check.audited ? 'audit: would drop' : passed ? 'allow' : check.verdict;
  const whose = check.leg === 'proxy' ? ', for the packet of the proxy' : '';
  return [
    [
      span(`${check.direction} at `),
      span(check.at, 'name'),
      span(`${whose}: `),
      span(word, bad ? 'bad' : check.verdict === 'redirect' && !passed ? 'verdict' : 'good'),
      span(redirectText(check)),
      span(`  ${check.map}`, 'faint'),
    ],
    ...(check.enforced
      ? check.closedBy.map(
          (one): Line => [span(`${DEEP}${check.direction} is default deny: `, 'faint'), ...reference(one.policy, one.says, one.position)],
        )
      : [[span(`${DEEP}${check.direction} is not enforced: no policy selects the pod for it`, 'faint')] as Line]),
    ...columns(
      check.tried.map((key, i) => [
        span(i === 0 ? 'keys' : '', 'faint'),
        span(keyText(key)),
        key.entry === null ? span('no entry', 'faint') : span(entryText(key), key.entry.deny ? 'bad' : 'good'),
      ]),
      DEEP,
    ),
    ...check.origins.map((origin): Line => [span(`${DEEP}made by `, 'faint'), ...originSpans(origin)]),
  ];
}

function redirectText({ verdict, leg, proxyPort }: PolicyCheck): string {
  if (verdict !== 'redirect') {
    return '';
  }
  return leg === 'proxy' ? '; it comes from the proxy, the redirect is not taken again' : ` to proxy port ${proxyPort}`;
}

function keyText({ identity, port, protocol }: TriedKey): string {
  const who = identity === 0 ? 'any identity' : `identity ${identity}`;
  const where = protocol === 0 ? 'any port' : port === 0 ? `any port of ${protocolName(protocol)}` : `${port}/${protocolName(protocol)}`;
  return `${who}, ${where}`;
}

function entryText({ entry }: TriedKey): string {
  return entry?.deny === true ? 'deny' : entry !== null && entry.proxyPort !== 0 ? `allow through proxy port ${entry.proxyPort}` : 'allow';
}

function originSpans({ policy, element, position }: OriginText): Span[] {
  return policy === 'built in' ? [span(`the agent itself: ${element}`)] : reference(policy, element, position);
}

function reference(policy: string, text: string, position: OriginText['position']): Span[] {
  return [
    span(policy, 'name'),
    span(`  ${text}`),
    span(position === null ? '' : `  ${position.file}:${position.line}:${position.column}`, 'source'),
  ];
}

function proxyLines(proxy: ProxyHop): Line[] {
  const { listener, port, direction, connection, request, rules } = proxy;
  const verdict = request ?? connection;
  return [
    [
      span('proxy, '),
      span(listener ?? 'a listener', 'name'),
      span(` on port ${port}, ${direction}: `),
      verdict === null ? span('no verdict') : span(verdict.verdict, verdict.verdict === 'allow' ? 'good' : 'bad'),
    ],
    ...(connection === null ? [] : [[span(`${DEEP}cilium.network: `, 'faint'), span(`${connection.verdict}, ${connection.why}`)] as Line]),
    ...(request === null ? [] : [[span(`${DEEP}cilium.l7policy: `, 'faint'), span(`${request.verdict}, ${request.why}`)] as Line]),
    ...rules.flatMap(ruleLines),
  ];
}

function ruleLines(rule: ProxyRuleCheck): Line[] {
  const place = `port ${rule.port}${rule.rule < 0 ? '' : `, rule ${rule.rule}`}${rule.httpRule < 0 ? '' : `, HTTP rule ${rule.httpRule}`}`;
  return [
    [
      span(`${DEEP}${place}: `),
      span(rule.matched ? 'matches' : 'does not match', rule.matched ? 'good' : 'bad'),
      span(rule.matchers.length > 0 ? '' : `, ${rule.why}`),
    ],
    ...rule.matchers.flatMap(matcherLines),
    ...rule.origins.map((origin): Line => [span(`${DEEP}  written in `, 'faint'), ...originSpans(origin)]),
  ];
}

/** A matcher; below a value that leaves its expression, a mark under the character. */
function matcherLines({ header, value, wanted, matched, failsAt }: MatcherCheck): Line[] {
  const head = `${DEEP}  ${matched ? '✓' : '✗'} ${header} `;
  const found = value === null ? 'is missing' : JSON.stringify(value);
  const line: Line = [span(head), span(found, matched ? 'good' : 'bad'), span(`, wanted ${wanted}`)];
  if (failsAt === null || value === null) {
    return [line];
  }
  const shown = JSON.stringify(value.slice(0, failsAt)).length - 1;
  const what = failsAt >= value.length ? 'ends here, but more is wanted' : 'leaves the expression here';
  return [line, [span(`${' '.repeat(head.length + shown)}^ `, 'bad'), span(`character ${failsAt + 1} ${what}`, 'faint')]];
}
