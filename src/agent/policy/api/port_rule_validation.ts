/**
 * What the agent accepts in `toPorts`.
 * @see cilium:pkg/policy/api/rule_validation.go#PortRule.sanitize
 * @see cilium:pkg/policy/api/rule_validation.go#L7Rules.sanitize
 */
import { checkFqdn, type Report } from './fqdn.ts';
import { goRegexpError } from './go_regexp.ts';
import { didYouMean } from './hint.ts';
import { checkKafka } from './kafka.ts';
import { isSvcName, parseUint16 } from './port.ts';
import {
  isEmptyL7,
  type L7Rules,
  type Path,
  type PortProtocol,
  type PortRule,
  type PortRuleHttp,
  PROTO_ANY,
  PROTO_SCTP,
  PROTO_TCP,
  PROTO_UDP,
} from './rule.ts';

const MAX_PORTS = 40;
const MISMATCH_ACTIONS: readonly string[] = ['', 'LOG', 'ADD', 'DELETE', 'REPLACE'];
const PROTOCOLS: readonly string[] = [PROTO_ANY, PROTO_TCP, PROTO_UDP, PROTO_SCTP];

/** Reports the issues of a port rule of an allow section. */
export function checkPortRule(report: Report, rule: PortRule, ingress: boolean): void {
  const { path, rules } = rule;
  const hasDns = (rules?.dns?.length ?? 0) > 0;
  if (ingress && hasDns) {
    report('dns-on-ingress', [...path, 'rules', 'dns'], 'DNS rules are not allowed on ingress');
  }
  if (rule.serverNames.length > 0 && !isEmptyL7(rules) && rule.terminatingTLS === null) {
    report('sni-with-l7', path, 'ServerNames are not allowed with L7 rules without TLS termination');
  }
  rule.serverNames.forEach((name, i) => {
    if (name === '') {
      report('sni-empty', [...path, 'serverNames', i], 'Empty server name is not allowed');
    }
  });
  if (rule.ports.length > MAX_PORTS) {
    report('port-count', [...path, 'ports'], `too many ports, the max is ${MAX_PORTS}`);
  }
  let zero = false;
  rule.ports.forEach((port, i) => {
    zero = checkPort(report, port, [...path, 'ports', i]) || zero;
    if (!isEmptyL7(rules) && !hasDns && port.protocol !== PROTO_TCP) {
      report(
        'l7-protocol',
        [...path, 'ports', i],
        `L7 rules can only apply to TCP (not ${port.protocol}) except for DNS rules`,
        'write protocol: TCP',
      );
    }
  });
  if (rules !== null && !isEmptyL7(rules)) {
    if (zero) {
      report('l7-port-zero', path, 'L7 rules can not be used when a port is 0');
    }
    checkL7(report, rules, rule.ports.length, [...path, 'rules']);
  }
}

/** Whether the port is 0. */
function checkPort(report: Report, { port, protocol }: PortProtocol, path: Path): boolean {
  let zero = false;
  if (port === '') {
    report('port-missing', path, 'Port must be specified');
  } else if (!isSvcName(port)) {
    const parsed = parseUint16(port);
    zero = parsed.ok && parsed.value === 0;
    if (!parsed.ok) {
      report(
        'port',
        [...path, 'port'],
        `Unable to parse port: strconv.ParseUint: parsing ${JSON.stringify(port)}: ${parsed.reason}`,
        'a port is a number from 0 to 65535 or the name of a container port',
      );
    }
  }
  if (!PROTOCOLS.includes(protocol)) {
    report(
      'protocol',
      [...path, 'protocol'],
      `invalid protocol ${JSON.stringify(protocol)}, must be { tcp | udp | sctp | any }`,
      didYouMean(protocol, PROTOCOLS),
    );
  }
  return zero;
}

function checkL7(report: Report, rules: L7Rules, ports: number, path: Path): void {
  rules.http?.forEach((rule, i) => {
    checkHttp(report, rule, [...path, 'http', i]);
  });
  rules.kafka?.forEach((rule, i) => {
    const error = checkKafka(rule);
    if (error !== null) {
      report(error[0], [...path, 'kafka', i], error[1]);
    }
  });
  if (rules.dns !== null && ports === 0) {
    report('dns-without-port', [...path, 'dns'], 'Port 53 must be specified for DNS rules');
  }
  rules.dns?.forEach((rule, i) => {
    checkFqdn(report, rule, [...path, 'dns', i]);
  });
  if (rules.l7 !== null && rules.l7proto === '') {
    report('l7-without-l7proto', [...path, 'l7'], "'l7' may only be specified when a 'l7proto' is also specified");
  }
  if (rules.l7proto !== '') {
    rules.l7?.forEach((rule, i) => {
      if (rule.fields.some(([key]) => key === '')) {
        report('l7-empty-key', [...path, 'l7', i], 'Empty key not allowed');
      }
    });
  }
  const kinds = [rules.http !== null, rules.kafka !== null, rules.dns !== null, rules.l7proto !== ''];
  if (kinds.filter(Boolean).length > 1) {
    report('l7-kinds', path, 'multiple L7 protocol rule types specified in single rule');
  }
}

/** Path and method must compile; host is not looked at. @see cilium:pkg/policy/api/http.go#PortRuleHTTP.Sanitize */
function checkHttp(report: Report, rule: PortRuleHttp, path: Path): void {
  for (const member of ['path', 'method'] as const) {
    const error = rule[member] === '' ? null : goRegexpError(rule[member]);
    if (error !== null) {
      report('regexp', [...path, member], error);
    }
  }
  rule.headerMatches.forEach((match, i) => {
    const at = [...path, 'headerMatches', i];
    if (match.name === '') {
      report('header-name', at, 'Header name missing');
    }
    if (!MISMATCH_ACTIONS.includes(match.mismatch)) {
      report(
        'header-action',
        [...at, 'mismatch'],
        `Invalid header action: ${match.mismatch}`,
        didYouMean(match.mismatch, MISMATCH_ACTIONS),
      );
    }
    if (match.secret !== null && match.secret.name === '') {
      report('secret-name', [...at, 'secret'], 'Secret name missing');
    }
  });
}
