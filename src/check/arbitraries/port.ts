/** Ports and protocols. */
import fc from 'fast-check';

/** The protocols with ports. */
export const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;

/** A port number: mostly one of a few. */
export function port(): fc.Arbitrary<number> {
  return fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(80, 443, 8080, 53) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 65535 }) },
  );
}

/** The name of a container port. */
export function portName(): fc.Arbitrary<string> {
  return fc.constantFrom('http', 'https', 'dns', 'metrics');
}

/** A protocol with ports. */
export function protocol(): fc.Arbitrary<(typeof PROTOCOLS)[number]> {
  return fc.constantFrom('TCP', 'TCP', 'UDP', 'SCTP');
}

/** An element of `ports` in an allow section: number, name or 0 (all), with a protocol, `ANY` or none. */
export function portProtocol(options: { readonly named?: boolean } = {}): fc.Arbitrary<{ port: string; protocol?: string }> {
  const number = fc.oneof({ weight: 14, arbitrary: port().map(String) }, { weight: 1, arbitrary: fc.constant('0') });
  const text = options.named === false ? number : fc.oneof({ weight: 6, arbitrary: number }, { weight: 1, arbitrary: portName() });
  return fc
    .tuple(text, fc.oneof({ weight: 6, arbitrary: protocol() }, { weight: 1, arbitrary: fc.constantFrom('ANY', null) }))
    .map(([one, proto]) => (proto === null ? { port: one } : { port: one, protocol: proto }));
}

/** An element of `ports` in a deny section; without a protocol only where asked for, since 1.13.3 takes that for no protocol at all. */
export function denyPortProtocol(options: { readonly protocolless?: boolean } = {}): fc.Arbitrary<{ port: string; protocol?: string }> {
  const protocols = options.protocolless === true ? fc.constantFrom('TCP', 'UDP', 'ANY', null) : fc.constantFrom('TCP', 'UDP', 'ANY');
  return fc
    .tuple(fc.oneof({ weight: 9, arbitrary: port().map(String) }, { weight: 1, arbitrary: fc.constantFrom('0', 'http') }), protocols)
    .map(([one, proto]) => (proto === null ? { port: one } : { port: one, protocol: proto }));
}
