/** Faults as a cluster can have them: each lasts a while and ends. */
import fc from 'fast-check';
import { CRASH_STEPS } from '../../cluster/agent_crash.ts';
import type { FaultSection } from '../../scenario/schema/fault.ts';
import { MILLISECOND, SECOND } from '../../sim/clock.ts';

/** What faults may concern. */
export interface FaultOptions {
  /** Pods whose links may fail, as `namespace/name`; the policy map of the last one may be full. */
  readonly pods?: readonly string[];
  /** Names outside whose addresses may change, with the addresses there are. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
}

const CT_MAPS = ['cilium_ct4_global', 'cilium_ct_any4_global'];

/** A fault; smaller ones are plainer. */
export function fault(options: FaultOptions = {}): fc.Arbitrary<FaultSection> {
  const { pods = [], names = {} } = options;
  const lasts = fc.constantFrom(1, 3, 10, 30).map((seconds) => seconds * SECOND);
  const on = fc.constantFrom('fabric', ...pods);
  const share = fc.constantFrom(1, 0.5, 0.2);
  const delay = fc.constantFrom(1, 50, 400, 3000).map((millis) => millis * MILLISECOND);
  const entries = fc.constantFrom(1, 0, 3, 10);
  const one = <K extends FaultSection['kind']>(kind: K): fc.Arbitrary<K> => fc.constant(kind);
  const server = pods.at(-1);
  const kinds: fc.Arbitrary<FaultSection>[] = [
    fc.record({ kind: one('proxy-crash'), for: lasts }),
    fc.record({ kind: one('agent-crash'), for: lasts }),
    fc.record({ kind: one('agent-crash'), at: fc.constantFrom(...CRASH_STEPS), for: lasts }),
    fc.record({ kind: one('nack'), for: lasts }),
    fc.record({ kind: one('slow-ack'), delay, for: lasts }),
    fc.record({ kind: one('hold-xds'), for: lasts }),
    fc.record({ kind: one('loss'), on, share, for: lasts }),
    fc.record({ kind: one('duplicate'), on, share, for: lasts }),
    fc.record({ kind: one('delay'), on, share, delay, for: lasts }),
    fc.record({ kind: one('late-events'), delay, for: lasts }),
    fc.record({ kind: one('repeated-events') }),
    fc.record({ kind: one('evict'), map: fc.constantFrom(...CT_MAPS), entries }),
    fc.record({ kind: one('map-full'), map: fc.constantFrom(...CT_MAPS), entries, for: lasts }),
    fc.record({ kind: one('clock'), by: fc.constantFrom(1, 3600, 86_400).map((seconds) => seconds * SECOND), back: fc.boolean() }),
  ];
  if (server !== undefined) {
    kinds.push(fc.record({ kind: one('map-full'), pod: fc.constant(server), entries, for: lasts }));
    kinds.push(fc.record({ kind: one('agent-crash'), at: fc.constantFrom(...CRASH_STEPS), pod: fc.constant(server), for: lasts }));
  }
  for (const [name, all] of Object.entries(names)) {
    kinds.push(fc.record({ kind: one('dns'), name: fc.constant(name), ips: fc.subarray([...all], { minLength: 1 }) }));
  }
  return fc.oneof(...kinds);
}

/** Some faults in a row. */
export function faults(options: FaultOptions & { readonly maxLength?: number } = {}): fc.Arbitrary<FaultSection[]> {
  return fc.array(fault(options), { maxLength: options.maxLength ?? 4 });
}
