/** The DNS proxy of an agent. @see cilium:daemon/cmd/fqdn.go#Daemon.bootstrapFQDN */
import { DNS_RCODE_NXDOMAIN, DNS_RCODE_REFUSED } from '../../net/dns.ts';
import { DNS_PROXY_NAME, proxyPortOfRules } from '../datapath/iptables.ts';
import { DnsProxy, type DnsProxyDeps } from '../fqdn/dns_proxy.ts';
import type { DaemonDeps } from './daemon_deps.ts';

/** What the proxy asks the agent. */
export type DnsQuestions = Pick<DnsProxyDeps, 'lookupEndpoint' | 'lookupIdentity' | 'notify'>;

/** Makes it. Redirects of an agent before are still in the maps: the port its rules name takes them. */
export function newDnsProxy({ scheduler, rng, hostNetns, pins, options }: DaemonDeps, questions: DnsQuestions): DnsProxy {
  const wanted = pins.proxyPorts[DNS_PROXY_NAME] ?? options['tofqdns-proxy-port'];
  return new DnsProxy({
    ...questions,
    scheduler,
    rng: rng.fork('dns proxy'),
    sockets: hostNetns,
    port: wanted === 0 ? proxyPortOfRules(hostNetns.netfilter, DNS_PROXY_NAME) : wanted,
    rejectRcode: options['tofqdns-dns-reject-response-code'] === 'nameError' ? DNS_RCODE_NXDOMAIN : DNS_RCODE_REFUSED,
  });
}
