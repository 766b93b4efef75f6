/**
 * What the proxy reads out of DNS messages and writes into its own answers.
 * @see cilium:pkg/fqdn/dnsproxy/proxy.go#ExtractMsgDetails
 */
import { DNS_RCODE_FORMERR, DNS_TYPE_CNAME, type DnsMessage, dnsDataType, dnsTypeName } from '../../net/dns.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import { fqdn } from '../policy/api/fqdn.ts';

/** The TTL of an answer without records. */
export const MAX_TTL = 0xffffffff;

/** Details of a message. */
export interface MessageDetails {
  /** Lower case, with the final dot. */
  readonly qname: string;
  readonly qTypes: readonly string[];
  /** IPv4 addresses of the answer, through its aliases. */
  readonly ips: readonly Ipv4[];
  /** Lowest of the answer's, seconds. */
  readonly ttl: number;
  readonly cnames: readonly string[];
  readonly rcode: number;
  readonly answerTypes: readonly string[];
}

/**
 * Reads a message. An answer whose records do not follow from the question gives no addresses.
 * @remarks Simplified: IPv6 addresses are left out, as there is no IPv6 traffic.
 */
export function extractMsgDetails(message: DnsMessage): MessageDetails {
  const question = message.questions[0];
  const qname = fqdn(question?.name ?? '');
  const base = { qname, qTypes: message.questions.map(({ type }) => dnsTypeName(type)), rcode: message.rcode };
  let expected = qname;
  let ttl = MAX_TTL;
  const ips: Ipv4[] = [];
  const cnames: string[] = [];
  const answerTypes: string[] = [];
  for (const record of message.answers) {
    if (fqdn(record.name) !== expected) {
      return { ...base, ips: [], ttl: 0, cnames: [], answerTypes: [], rcode: 0 };
    }
    const { data } = record;
    if (data.kind === 'a' || data.kind === 'aaaa' || data.kind === 'cname') {
      ttl = Math.min(ttl, record.ttl);
    }
    if (data.kind === 'a') {
      ips.push(data.address);
    } else if (data.kind === 'cname') {
      expected = fqdn(data.target);
      cnames.push(`${data.target}.`);
    }
    answerTypes.push(dnsTypeName(data.kind === 'cname' ? DNS_TYPE_CNAME : dnsDataType(data)));
  }
  return { ...base, ips, ttl, cnames, answerTypes };
}

/** An answer without records. @see miekg/dns:defaults.go#Msg.SetRcode */
export function rcodeReply(request: DnsMessage, rcode: number): DnsMessage {
  return {
    id: request.id,
    response: true,
    authoritative: false,
    truncated: false,
    recursionDesired: request.recursionDesired,
    recursionAvailable: false,
    rcode,
    questions: request.questions.slice(0, 1),
    answers: [],
    authorities: [],
  };
}

/** The answer to what is no proper query; `null`: none at all. @see miekg/dns:acceptfunc.go#defaultMsgAcceptFunc */
export function improperQuery(request: DnsMessage): DnsMessage | null | 'proper' {
  if (request.response) {
    return null;
  }
  const proper = request.questions.length === 1 && request.answers.length <= 1 && request.authorities.length <= 1;
  return proper ? 'proper' : rcodeReply(request, DNS_RCODE_FORMERR);
}
