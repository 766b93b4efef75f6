/** Port texts that mean another number. */
import { isSvcName, parseUint16 } from '../../agent/policy/api/port.ts';
import { flowOf, peerEnd, STRANGER, subjectEnd } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

/** The rule. */
export const portSpelling: LintRule = {
  code: 'port-spelling',
  severity: 'warning',
  title: 'A port text that means another number than it seems',
  why: 'Ports are read as Go reads numbers: a leading zero makes them octal ("010" is 8), and what looks like a hexadecimal number ("0x50") is taken for a port name. In a deny section a number that is too large becomes 65535.',
  see: 'cilium:pkg/iana/svcname.go#IsSvcName',
  bad: deathstarExample('ingress:\n- toPorts:\n  - ports:\n    - {port: "010", protocol: TCP}'),
  good: deathstarExample('ingress:\n- toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}'),
  check(subject) {
    return subject.elements.flatMap((element) =>
      element.toPorts.flatMap(({ path, ports }) =>
        ports.flatMap(({ port }, i): Draft[] => {
          const said = isSvcName(port) ? (/^0x[0-9a-f]+$/i.test(port) ? 'a port name' : null) : numberOf(port);
          if (said === null) {
            return [];
          }
          const meant = Number.parseInt(port, /^0x/i.test(port) ? 16 : 10);
          const tried = Number.isInteger(meant) && meant > 0 && meant <= 65_535 ? meant : 80;
          const flow = flowOf(element, subjectEnd(subject, element), peerEnd(subject, element) ?? STRANGER, { port: tried });
          const at = [...path, 'ports', i, 'port'];
          return [{ policy: element.policy, path: at, message: `port ${port} is ${said}`, meant: 'write it in decimal', flow }];
        }),
      ),
    );
  },
};

function numberOf(port: string): string | null {
  const { value } = parseUint16(port);
  return /^(0|[1-9]\d*)$/.test(port) && Number(port) === value ? null : String(value);
}
