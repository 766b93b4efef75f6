/** The L4 and L7 part of an element: `toPorts` or `icmps`, or none. */
import fc from 'fast-check';
import type { K8sObject } from '../model/cluster.ts';
import { dnsRules, sevenRules } from './http_rule.ts';
import { denyPortProtocol, port, portProtocol } from './port.ts';

/** Which ports to generate. */
export interface ToPortsOptions {
  readonly direction: 'ingress' | 'egress';
  readonly deny: boolean;
  /** Rules for content; default: yes, where they are allowed. */
  readonly seven?: boolean;
  /** Denies that leave out the protocol; default: no. */
  readonly protocolless?: boolean;
}

/** Ports of an element; shrinks towards none. */
export function toPorts(options: ToPortsOptions): fc.Arbitrary<K8sObject> {
  const { direction, deny, seven = true } = options;
  const one = deny ? denyPortProtocol(options) : portProtocol();
  const plain = fc.array(one, { minLength: 1, maxLength: 2 }).map((ports): K8sObject => ({ toPorts: [{ ports }] }));
  const icmps = fc
    .array(fc.record({ type: fc.constantFrom(8, 0, 3), family: fc.constantFrom('IPv4', 'IPv6') }), { minLength: 1, maxLength: 2 })
    .map((fields): K8sObject => ({ icmps: [{ fields }] }));
  const kinds = [
    { weight: 4, arbitrary: fc.constant<K8sObject>({}) },
    { weight: 6, arbitrary: plain },
    { weight: 1, arbitrary: icmps },
  ];
  if (!deny && seven) {
    const withRules = fc
      .tuple(port(), sevenRules())
      .map(([number, rules]): K8sObject => ({ toPorts: [{ ports: [{ port: String(number), protocol: 'TCP' }], rules }] }));
    kinds.push({ weight: 5, arbitrary: withRules });
    if (direction === 'egress') {
      kinds.push({ weight: 1, arbitrary: dnsRules().map((rules) => ({ toPorts: [{ ports: [{ port: '53', protocol: 'ANY' }], rules }] })) });
    }
  }
  return fc.oneof(...kinds);
}
