/**
 * What a scenario's kubectl commands change of its objects.
 * @remarks Simplified: `kubectl delete` of objects by kind and name, and `kubectl label` of pods. Objects chosen by labels or `--all`, and kubectl's other ways of changing
 * objects (patch, scale, annotate, set), are not looked at; a run shows what they do.
 */
import { kindOf } from '../../scenario/objects.ts';

/** An object that a command names. */
export interface NamedObject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** What a command does. */
export type KubectlEffect =
  | { readonly verb: 'delete'; readonly objects: readonly NamedObject[] }
  /** `null`: the label goes. */
  | { readonly verb: 'label'; readonly objects: readonly NamedObject[]; readonly labels: Readonly<Record<string, string | null>> };

/** Flags whose value is a word of its own. */
const VALUED = new Set(['-n', '--namespace', '--grace-period', '--timeout', '--cascade', '-o', '--output', '--context']);

/** The effect of a command line; `null`: none that is looked at. */
export function kubectlEffect(line: string): KubectlEffect | null {
  const [tool, ...rest] = line.trim().split(/\s+/);
  if (tool !== 'kubectl' && tool !== 'k') {
    return null;
  }
  const words: string[] = [];
  let namespace = 'default';
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i] as string;
    if (!word.startsWith('-') || /^[^=]+-$/.test(word)) {
      words.push(word);
      continue;
    }
    const [flag = '', own] = word.split('=', 2);
    const value = own ?? (VALUED.has(flag) ? rest[++i] : undefined);
    if (['-n', '--namespace'].includes(flag)) {
      namespace = value ?? namespace;
    } else if (['-l', '--selector', '--all', '-A', '--all-namespaces', '-f', '--filename', '--list'].includes(flag)) {
      return null;
    }
  }
  const [verb, ...operands] = words;
  if (verb !== 'delete' && verb !== 'label') {
    return null;
  }
  const changes = verb === 'label' ? operands.filter((word) => /=|-$/.test(word)) : [];
  const objects = objectsOf(
    operands.filter((word) => !changes.includes(word)),
    namespace,
  );
  return verb === 'delete' ? { verb, objects } : { verb, objects, labels: Object.fromEntries(changes.map(labelOf)) };
}

/** `pod a b`, `cnp,netpol x`, `pod/a svc/b`. */
function objectsOf(operands: readonly string[], namespace: string): NamedObject[] {
  if (operands.some((word) => word.includes('/'))) {
    return operands.map((word) => {
      const [kind = '', name = ''] = word.split('/', 2);
      return { kind: kindOf(kind), namespace, name };
    });
  }
  const [kinds = '', ...names] = operands;
  return kinds.split(',').flatMap((kind) => names.map((name) => ({ kind: kindOf(kind), namespace, name })));
}

function labelOf(word: string): [string, string | null] {
  const equals = word.indexOf('=');
  return equals < 0 ? [word.slice(0, -1), null] : [word.slice(0, equals), word.slice(equals + 1)];
}
