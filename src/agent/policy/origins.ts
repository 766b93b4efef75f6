/**
 * Where map entries come from: the elements of policy objects behind them.
 */
import type { RuleOrigin } from './api/rule.ts';
import { type MapState, type MapStateEntry, ownersOf, type PackedKey } from './mapstate.ts';

/** The elements behind an entry, also through the entry it exists because of; empty for the built-in ones. */
export function originsOfEntry(mapState: MapState, entry: MapStateEntry): RuleOrigin[] {
  const found = new Set<RuleOrigin>();
  collect(mapState, entry, found, new Set());
  return [...found];
}

/** `CiliumNetworkPolicy default/rule1 spec.ingress[0].toPorts[0]` */
export function originText({ ref, path }: RuleOrigin): string {
  const name = ref.namespace === '' ? ref.name : `${ref.namespace}/${ref.name}`;
  const where = path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
  return [ref.kind, name, where].filter((text) => text !== '').join(' ');
}

function collect(mapState: MapState, entry: MapStateEntry, found: Set<RuleOrigin>, seen: Set<PackedKey>): void {
  for (const owner of ownersOf(entry)) {
    if (typeof owner === 'number') {
      const other = seen.has(owner) ? undefined : mapState.getPacked(owner);
      seen.add(owner);
      if (other !== undefined) {
        collect(mapState, other, found, seen);
      }
    } else {
      for (const origin of owner?.origins ?? []) {
        found.add(origin);
      }
    }
  }
}
