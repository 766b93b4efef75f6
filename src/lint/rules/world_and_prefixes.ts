/** The world includes every prefix that policies name, of both families. */
import { resultantCidrs } from '../../agent/policy/api/aggregate.ts';
import { flowOf, OUTSIDE, peerEnd, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';
import type { Element, LintSubject } from '../subject.ts';

/** The rule. */
export const worldAndPrefixes: LintRule = {
  code: 'world-and-prefixes',
  severity: 'warning',
  title: 'The world selects every prefix that policies name, of both families',
  why: '0.0.0.0/0 and ::/0 are the same identity, world, and its selector matches every prefix identity as well: ::/0 opens IPv4 too, an allow of the world makes narrower prefixes beside it pointless, and a deny of the world takes their allows away.',
  see: 'cilium:pkg/policy/api/cidr.go#CIDRSlice.GetAsEndpointSelectors',
  bad: deathstarExample('ingress:\n- fromCIDR: ["::/0"]\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}'),
  good: deathstarExample('ingress:\n- fromCIDR: ["2001:db8::/32"]\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}'),
  check: (subject) => subject.elements.flatMap((element) => [...bothFamilies(subject, element), ...narrower(subject, element)]),
};

function bothFamilies(subject: LintSubject, element: Element): Draft[] {
  const { cidrs, policy, path, deny, direction } = element;
  if (!cidrs.includes('::/0') || cidrs.includes('0.0.0.0/0') || element.rule.ref.kind === 'NetworkPolicy') {
    return [];
  }
  const [port = 80] = tcpPorts(subject, element);
  const key = subject.written(policy, [...path, direction === 'ingress' ? 'fromCIDR' : 'toCIDR']) === undefined ? 'CIDRSet' : 'CIDR';
  return [
    {
      policy,
      path: [...path, `${direction === 'ingress' ? 'from' : 'to'}${key}`],
      message: `::/0 means IPv4 addresses as well: both families' /0 are the identity world`,
      meant: 'name the IPv6 prefixes in use',
      flow: flowOf(element, subjectEnd(subject, element), OUTSIDE, { port, shows: deny ? 'stopped' : 'allowed' }),
    },
  ];
}

/** Prefixes of the same pods, direction and ports beside an element that names the world. */
function narrower(subject: LintSubject, world: Element): Draft[] {
  if (!isWorld(world)) {
    return [];
  }
  const mine = new Set(subject.subjects(world.rule));
  const others = subject.elements.filter(
    (one) =>
      !one.deny &&
      one !== world &&
      one.direction === world.direction &&
      one.cidrs.length > 0 &&
      !isWorld(one) &&
      samePorts(one, world) &&
      subject.subjects(one.rule).some((pod) => mine.has(pod)),
  );
  return others.map((one): Draft => {
    const [port = 80] = tcpPorts(subject, one);
    return {
      policy: one.policy,
      path: one.path,
      severity: world.deny ? 'warning' : 'info',
      message: world.deny
        ? `the deny of the world in ${world.policy.ref.name} takes this allow away: world selects every prefix`
        : `the allow of the world in ${world.policy.ref.name} allows these prefixes already`,
      meant: world.deny ? 'deny 0.0.0.0/0 with the prefixes in except' : 'remove one of the two',
      flow: flowOf(one, subjectEnd(subject, one), peerEnd(subject, one), { port, shows: world.deny ? 'stopped' : 'allowed' }),
    };
  });
}

function isWorld({ entities, ingress, egress }: Element): boolean {
  const sets = ingress?.fromCIDRSet ?? egress?.toCIDRSet ?? [];
  const prefixes = [...(ingress?.fromCIDR ?? egress?.toCIDR ?? []), ...resultantCidrs(sets)];
  return entities.includes('world') || prefixes.includes('0.0.0.0/0') || prefixes.includes('::/0');
}

/** Whether one element's ports are all within the other's. */
function samePorts(narrow: Element, wide: Element): boolean {
  const texts = ({ toPorts }: Element): string[] =>
    toPorts.flatMap(({ ports }) => ports.map(({ port, protocol }) => `${port}/${protocol}`));
  const wanted = texts(wide);
  return wanted.length === 0 || (narrow.toPorts.length > 0 && texts(narrow).every((one) => wanted.includes(one)));
}
