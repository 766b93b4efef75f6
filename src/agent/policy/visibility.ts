/**
 * Visibility: an annotation sends traffic of a port to the proxy without restricting it.
 * @see cilium:pkg/policy/visibility.go
 * @see cilium:pkg/policy/mapstate.go#MapState.AddVisibilityKeys
 */

import type { Identity as NumericIdentity } from '../../maps/identity.ts';
import { TRAFFIC_EGRESS, TRAFFIC_INGRESS, type TrafficDirection } from '../../maps/policymap.ts';
import type { LabelArray } from '../labels/labels.ts';
import { protocolNumber } from './l4.ts';
import { type L7ParserType, PARSER_DNS, PARSER_HTTP, PARSER_KAFKA } from './l7_parser.ts';
import { type KeyChanges, type MapState, packKey } from './mapstate.ts';
import { type MapStateEntry, newEntry } from './mapstate_entry.ts';

/** One port to watch. @see cilium:pkg/policy/visibility.go#VisibilityMetadata */
export interface VisibilityMetadata {
  readonly parser: L7ParserType;
  readonly port: number;
  /** TCP, UDP or SCTP. */
  readonly protocol: string;
  readonly ingress: boolean;
}

/** What an endpoint's annotation asks for; with an error it asks for nothing. @see cilium:pkg/policy/visibility.go#VisibilityPolicy */
export interface VisibilityPolicy {
  readonly ports: readonly VisibilityMetadata[];
  readonly error: string | null;
}

/** Result of reading an annotation. */
export type VisibilityResult =
  | { readonly ok: true; readonly ports: readonly VisibilityMetadata[] }
  | { readonly ok: false; readonly error: string };

const SINGLE = '<(Ingress|Egress)/([1-9][0-9]{1,5})/(TCP|UDP|SCTP|ANY)/([A-Za-z]{3,32})>';
const ANNOTATION = new RegExp(`^((${SINGLE})(,(${SINGLE}))*)$`);
const DERIVED_FROM: LabelArray = [{ source: 'reserved', key: 'io.cilium.policy.derived-from', value: 'visibility-annotation' }];

/** The annotation, and its name before 1.13. @see cilium:pkg/annotation/k8s.go#ProxyVisibility */
const NAMES = ['policy.cilium.io/proxy-visibility', 'io.cilium.proxy-visibility'];

/** The visibility a pod's annotations ask for, or `null`. @see cilium:pkg/endpoint/events.go#EndpointPolicyVisibilityEvent.Handle */
export function visibilityPolicy(annotations: Readonly<Record<string, string>> | undefined): VisibilityPolicy | null {
  const text = NAMES.map((name) => annotations?.[name]).find((value) => value !== undefined) ?? '';
  if (text === '') {
    return null;
  }
  const parsed = parseVisibility(text);
  return parsed.ok ? { ports: parsed.ports, error: null } : { ports: [], error: parsed.error };
}

/** Reads the annotation. Ports of one digit do not parse. @see cilium:pkg/policy/visibility.go#NewVisibilityPolicy */
export function parseVisibility(annotation: string): VisibilityResult {
  if (!ANNOTATION.test(annotation)) {
    return {
      ok: false,
      error: `annotation for proxy visibility did not match expected format ${ANNOTATION.source.replaceAll('\\/', '/')}`,
    };
  }
  const ports = new Map<string, VisibilityMetadata>();
  for (const text of annotation.split(',')) {
    const [direction = '', port = '', protocol = '', name = ''] = text.slice(1, -1).split('/');
    const parser = name.toLowerCase();
    if (Number(port) > 65_535) {
      return { ok: false, error: `unable to parse port: strconv.ParseUint: parsing "${port}": value out of range` };
    }
    if (parser !== PARSER_HTTP && parser !== PARSER_KAFKA && parser !== PARSER_DNS) {
      return { ok: false, error: `unsupported parser type ${parser}` };
    }
    if (parser === PARSER_DNS && direction !== 'Egress') {
      return { ok: false, error: `${parser} not allowed with direction ${direction}` };
    }
    for (const one of protocol === 'ANY' ? ['TCP', 'UDP', 'SCTP'] : [protocol]) {
      const key = `${direction}/${Number(port)}/${one}`;
      const old = ports.get(key);
      if (old !== undefined && old.parser !== parser) {
        const where = `${Number(port)}/${one}`;
        return { ok: false, error: `duplicate annotations with different L7 protocols ${old.parser} and ${parser} for ${where}` };
      }
      ports.set(key, { parser, port: Number(port), protocol: one, ingress: direction === 'Ingress' });
    }
  }
  return { ok: true, ports: [...ports.values()] };
}

/**
 * Sends the allowed traffic of a port to the proxy: its allow keys become redirects, L3-only allows get a redirect of their own for the port, and
 * where only everything is allowed the port gets a key for everyone, with the L3-only denies repeated beside it.
 * Changed keys go to `changes` as additions.
 * @remarks A deny of everything counts as "everything" too, as in 1.13: the port is opened beside it.
 */
export function addVisibilityKeys(
  mapState: MapState,
  meta: VisibilityMetadata,
  proxyPort: number,
  changes: KeyChanges | null = null,
): void {
  const direction: TrafficDirection = meta.ingress ? TRAFFIC_INGRESS : TRAFFIC_EGRESS;
  const proto = protocolNumber(meta.protocol);
  const write = (identity: NumericIdentity, entry: MapStateEntry): void => {
    mapState.set(identity, meta.port, proto, direction, entry);
    changes?.adds.add(packKey(identity, meta.port, proto, direction));
  };
  const l4Only = mapState.get(0, meta.port, proto, direction);
  const addL4Only = l4Only === undefined && mapState.get(0, 0, 0, direction) !== undefined;
  if (l4Only !== undefined && !l4Only.isDeny && l4Only.proxyPort === 0) {
    write(0, redirected(l4Only, proxyPort));
  }
  const all: [NumericIdentity, number, number, MapStateEntry][] = [];
  mapState.forEach((identity, port, protocol, where, entry) => {
    if (where === direction && identity !== 0) {
      all.push([identity, port, protocol, entry]);
    }
  });
  if (addL4Only) {
    write(0, newEntry(null, [DERIVED_FROM], proxyPort, false));
  }
  for (const [identity, port, protocol, entry] of all) {
    if (port === meta.port && protocol === proto) {
      if (!entry.isDeny && entry.proxyPort === 0) {
        write(identity, redirected(entry, proxyPort));
      }
      continue;
    }
    const isNeeded = entry.isDeny ? addL4Only : l4Only === undefined && !addL4Only;
    if (port !== 0 || protocol !== 0 || !isNeeded || mapState.get(identity, meta.port, proto, direction) !== undefined) {
      continue;
    }
    const owner = packKey(identity, 0, 0, direction);
    const derivedFrom = entry.isDeny ? entry.derivedFrom : [DERIVED_FROM, ...entry.derivedFrom];
    write(identity, newEntry(owner, derivedFrom, entry.isDeny ? 0 : proxyPort, entry.isDeny));
    mapState.addDependent(identity, 0, 0, direction, packKey(identity, meta.port, proto, direction));
  }
}

function redirected(entry: MapStateEntry, proxyPort: number): MapStateEntry {
  return { ...entry, proxyPort, derivedFrom: [...entry.derivedFrom, DERIVED_FROM] };
}
