/**
 * The ways to weaken a policy by one step, on its YAML nodes. Every operator says where it works and what it changes; order is that of the text.
 */
import { isMap, isScalar, isSeq, type Node, type YAMLMap, type YAMLSeq } from 'yaml';
import type { Path } from '../../agent/policy/api/rule.ts';
import { type Edit, keyOf, memberOf, removeItem, removePair, replaceNode } from './edit.ts';

/** One step. */
export interface Mutation {
  /** `drop-label`, `loosen-regex`, … */
  readonly operator: string;
  /** In words: `without the label org`. */
  readonly what: string;
  readonly path: Path;
  readonly edit: Edit;
}

/** A place in the document. */
interface Place {
  readonly node: unknown;
  readonly path: Path;
}

const SECTIONS = ['ingress', 'egress', 'ingressDeny', 'egressDeny'];
const PEERS = [
  'fromEndpoints',
  'toEndpoints',
  'fromRequires',
  'toRequires',
  'fromCIDR',
  'toCIDR',
  'fromCIDRSet',
  'toCIDRSet',
  'fromEntities',
  'toEntities',
  'toFQDNs',
  'toServices',
  'from',
  'to',
];
const PORTS = ['toPorts', 'ports', 'icmps'];
const SELECTORS = ['endpointSelector', 'nodeSelector', 'podSelector', 'namespaceSelector'];
const SEVEN = ['http', 'dns', 'kafka', 'l7'];
const HTTP_PARTS = ['method', 'path', 'host', 'headers', 'headerMatches'];

/** All single steps that weaken what a policy document says. */
export function mutationsOf(root: unknown): Mutation[] {
  const found: Mutation[] = [];
  for (const key of ['spec', 'specs']) {
    const member = memberOf(root, key);
    if (member !== null) {
      walk({ node: member.value, path: [key] }, found);
    }
  }
  return found.sort((a, b) => a.edit.start - b.edit.start);
}

function walk({ node, path }: Place, found: Mutation[]): void {
  if (isSeq(node)) {
    node.items.forEach((item, i) => {
      walk({ node: item, path: [...path, i] }, found);
    });
  } else if (isMap(node)) {
    node.items.forEach((pair, i) => {
      const key = keyOf(pair);
      found.push(...ofMember({ map: node, index: i, key, value: pair.value, path: [...path, key] }));
      walk({ node: pair.value, path: [...path, key] }, found);
    });
  }
}

interface Member {
  readonly map: YAMLMap;
  readonly index: number;
  readonly key: string;
  readonly value: unknown;
  readonly path: Path;
}

function ofMember(member: Member): Mutation[] {
  const { key, value, path } = member;
  const parent = path.at(-2);
  if (SECTIONS.includes(key) && isSeq(value)) {
    const deny = key.endsWith('Deny');
    return itemsOr(member, value, deny ? 'drop-deny' : 'drop-rule', deny ? 'without the deny' : 'without the rule');
  }
  if (PEERS.includes(key) && isSeq(value)) {
    return [...itemsOr(member, value, 'drop-peer', 'without the peer'), ...widerPeers(key, value, path)];
  }
  if (PORTS.includes(key) && isSeq(value)) {
    const all =
      key === 'ports' && typeof parent === 'number' && path.at(-3) === 'toPorts' ? [] : whole(member, 'drop-ports', 'on all ports');
    return [...all, ...(value.items.length > 1 ? items(value, path, 'drop-port', 'without the port') : [])];
  }
  if (key === 'rules' && isMap(value)) {
    return whole(member, 'drop-l7', 'without the rules for requests');
  }
  if (SEVEN.includes(key) && isSeq(value)) {
    const http = key === 'http' ? value.items.flatMap((item, i) => httpParts({ node: item, path: [...path, i] })) : [];
    const dns = key === 'dns' ? widerNames(value, path) : [];
    return [...(value.items.length > 1 ? items(value, path, 'drop-l7-rule', 'without the rule') : []), ...http, ...dns];
  }
  if (key === 'matchLabels' && isMap(value)) {
    return value.items.flatMap((pair, i) =>
      made('drop-label', `without the label ${keyOf(pair)}`, [...path, keyOf(pair)], removePair(value, i)),
    );
  }
  if (key === 'matchExpressions' && isSeq(value)) {
    return itemsOr(member, value, 'drop-expression', 'without the expression');
  }
  if (SELECTORS.includes(key) && isMap(value) && sizeOf(value) > 1) {
    return made('widen-selector', 'with a selector of everything', path, replaceNode(value, '{}'));
  }
  if (key === 'except' && isSeq(value)) {
    return itemsOr(member, value, 'drop-except', 'without the exception');
  }
  return key === 'cidr' && isScalar(value) ? widerPrefix(value, path) : [];
}

/** Each item, or the whole list where there is one item only. */
function itemsOr(member: Member, list: YAMLSeq, operator: string, what: string): Mutation[] {
  return list.items.length > 1 ? items(list, member.path, operator, what) : list.items.length === 1 ? whole(member, operator, what) : [];
}

function items(list: YAMLSeq, path: Path, operator: string, what: string): Mutation[] {
  return list.items.flatMap((_, i) => made(operator, what, [...path, i], removeItem(list, i)));
}

function whole({ map, index, path }: Member, operator: string, what: string): Mutation[] {
  return made(operator, what, path, removePair(map, index));
}

function httpParts({ node, path }: Place): Mutation[] {
  if (!isMap(node)) {
    return [];
  }
  return node.items.flatMap((pair, i): Mutation[] => {
    const key = keyOf(pair);
    const at = [...path, key];
    if (!HTTP_PARTS.includes(key)) {
      return [];
    }
    const dropped = made(`drop-${key === 'headerMatches' ? 'header-matches' : key}`, `whatever the ${key}`, at, removePair(node, i));
    const text = isScalar(pair.value) ? String(pair.value.value) : '';
    const looser = isScalar(pair.value) && text !== '' && !text.endsWith('.*');
    return [
      ...dropped,
      ...(looser ? made('loosen-regex', `${key} ${text}.*`, at, replaceNode(pair.value as Node, JSON.stringify(`${text}.*`))) : []),
    ];
  });
}

function widerPeers(key: string, list: YAMLSeq, path: Path): Mutation[] {
  return list.items
    .flatMap((item, i): Mutation[] => {
      const at = [...path, i];
      if (isMap(item) && /Endpoints$/.test(key) && sizeOf(item) > 1) {
        return made('widen-selector', 'with a selector of everything', at, replaceNode(item, '{}'));
      }
      if (isScalar(item) && /Entities$/.test(key) && item.value !== 'all') {
        return made('widen-entity', 'with the entity all', at, replaceNode(item, 'all'));
      }
      return isScalar(item) && /CIDR$/.test(key) ? widerPrefix(item, at) : [];
    })
    .concat(key === 'toFQDNs' ? widerNames(list, path) : []);
}

function widerPrefix(node: Node & { readonly value?: unknown }, path: Path): Mutation[] {
  const text = String(node.value);
  const wide = text.includes(':') ? '::/0' : '0.0.0.0/0';
  return text === wide ? [] : made('widen-prefix', `with ${wide}`, path, replaceNode(node, JSON.stringify(wide)));
}

function widerNames(list: YAMLSeq, path: Path): Mutation[] {
  return list.items.flatMap((item, i): Mutation[] => {
    const pattern = memberOf(item, 'matchPattern');
    const every = isScalar(pattern?.value) && pattern.value.value === '*';
    return isMap(item) && !every ? made('widen-name', 'with every name', [...path, i], replaceNode(item, '{matchPattern: "*"}')) : [];
  });
}

/** Labels and expressions of a selector. */
function sizeOf(selector: YAMLMap): number {
  return ['matchLabels', 'matchExpressions'].reduce((sum, key) => {
    const value = memberOf(selector, key)?.value;
    return sum + (isMap(value) || isSeq(value) ? value.items.length : 0);
  }, 0);
}

function made(operator: string, what: string, path: Path, edit: Edit | null): Mutation[] {
  return edit === null ? [] : [{ operator, what, path, edit }];
}
