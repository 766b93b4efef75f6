/**
 * Where map entries come from: the elements of policy objects behind them.
 */
import type { Path, PolicyRef, RuleOrigin } from './api/rule.ts';
import type { MapState } from './mapstate.ts';
import { type MapStateEntry, ownersOf, type PackedKey } from './mapstate_entry.ts';

/** The elements behind an entry, also through the entry it exists because of; empty for the built-in ones. */
export function originsOfEntry(mapState: MapState, entry: MapStateEntry): RuleOrigin[] {
  const found = new Set<RuleOrigin>();
  collect(mapState, entry, found, new Set());
  return [...found];
}

/** `CiliumNetworkPolicy default/rule1 spec.ingress[0].toPorts[0]` */
export function originText({ ref, path }: RuleOrigin): string {
  return [policyName(ref), elementText(path)].filter((text) => text !== '').join(' ');
}

/** `CiliumNetworkPolicy default/rule1` */
export function policyName({ kind, namespace, name }: PolicyRef): string {
  return [kind, namespace === '' ? name : `${namespace}/${name}`].filter((text) => text !== '').join(' ');
}

/** `spec.ingress[0].toPorts[0]` */
export function elementText(path: Path): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
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
