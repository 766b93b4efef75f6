/** Connection state handed between conntrack and the programs. @see cilium:bpf/lib/common.h#ct_state */
import type { Ipv4 } from '../../net/ipv4.ts';

/** Mutable, so that one object serves every packet. */
export class CtState {
  revNatIndex = 0;
  loopback = false;
  nodePort = false;
  dsr = false;
  proxyRedirect = false;
  fromL7lb = false;
  authRequired = false;
  syn = false;
  ifindex = 0;
  srcSecId = 0;
  backendId = 0;
  addr: Ipv4 = 0;
  svcAddr: Ipv4 = 0;

  /** Back to zeroes. */
  reset(): void {
    this.revNatIndex = 0;
    this.loopback = false;
    this.nodePort = false;
    this.dsr = false;
    this.proxyRedirect = false;
    this.fromL7lb = false;
    this.authRequired = false;
    this.syn = false;
    this.ifindex = 0;
    this.srcSecId = 0;
    this.backendId = 0;
    this.addr = 0;
    this.svcAddr = 0;
  }
}
