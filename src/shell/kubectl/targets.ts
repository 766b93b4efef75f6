/**
 * Which objects a command line means: `pods`, `po,svc`, `pod xwing`, `pod/xwing svc/deathstar`, with selectors and namespaces.
 * @see kubernetes:staging/src/k8s.io/cli-runtime/pkg/resource/builder.go
 */
import { meetsRequirements, parseLabelSelector } from '../../k8s/label_selector.ts';
import { nearest } from '../../net/nearest_word.ts';
import type { ClusterView, ObjectView } from '../cluster_view.ts';
import type { FlagSpec, Flags } from '../flags.ts';
import { type Refused, refused } from '../tool.ts';
import { meetsFields, parseFieldSelector } from './field_selector.ts';
import { apiVersionOf, findResourceType, qualifiedPlural, RESOURCE_TYPES, type ResourceType, resourceNames } from './resource_types.ts';
import { namespaceOf } from './verb.ts';

/** Objects of a type: one by its name, or all. */
export interface Target {
  readonly type: ResourceType;
  readonly name: string | null;
}

/** What a command line names. */
export interface Targets {
  readonly targets: readonly Target[];
  /** `null`: all namespaces. */
  readonly namespace: string | null;
  readonly selector: string;
  readonly fieldSelector: string;
  /** Whether several types were asked for: names are printed with their type then. */
  readonly mixed: boolean;
}

/** Objects that were found, and the messages about those that were not. */
export interface Found {
  readonly objects: readonly { readonly type: ResourceType; readonly object: ObjectView }[];
  readonly errors: readonly string[];
}

/** The flags that choose objects. */
export const TARGET_FLAGS: readonly FlagSpec[] = [
  { name: 'all-namespaces', short: 'A' },
  { name: 'selector', short: 'l', value: true },
  { name: 'field-selector', value: true },
];

/** Whether parsing was refused. */
export function isRefused(value: object): value is Refused {
  return 'ok' in value && value.ok === false;
}

/** Reads the arguments. */
export function parseTargets(args: readonly string[], flags: Flags): Targets | Refused {
  const targets = args.some((arg) => arg.includes('/')) ? pairs(args) : typeAndNames(args);
  if (isRefused(targets)) {
    return targets;
  }
  const namespace = flags.has('all-namespaces') ? null : namespaceOf(flags);
  const selector = flags.value('selector') ?? '';
  const fieldSelector = flags.value('field-selector') ?? '';
  const named = targets.some(({ name }) => name !== null);
  if (named && namespace === null) {
    return refused('error: a resource cannot be retrieved by name across all namespaces');
  }
  if (named && (selector !== '' || fieldSelector !== '')) {
    return refused('error: name cannot be provided when a selector is specified');
  }
  return { targets, namespace, selector, fieldSelector, mixed: new Set(targets.map(({ type }) => type)).size > 1 };
}

/** `pod/a svc/b` */
function pairs(args: readonly string[]): readonly Target[] | Refused {
  const targets: Target[] = [];
  for (const arg of args) {
    const [word = '', name = '', ...more] = arg.split('/');
    if (!arg.includes('/')) {
      return refused(
        "error: there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
      );
    }
    if (word === '' || name === '' || more.length > 0) {
      return refused('error: arguments in resource/name form may not have more than one slash');
    }
    const type = typeOf(word);
    if (isRefused(type)) {
      return type;
    }
    targets.push({ type, name });
  }
  return targets;
}

/** `po,svc a b` */
function typeAndNames([words = '', ...names]: readonly string[]): readonly Target[] | Refused {
  const types = words === 'all' ? RESOURCE_TYPES.filter(({ inAll }) => inAll) : words.split(',').map(typeOf);
  const targets: Target[] = [];
  for (const type of types) {
    if (isRefused(type)) {
      return type;
    }
    targets.push(...(names.length === 0 ? [{ type, name: null }] : names.map((name) => ({ type, name }))));
  }
  return targets;
}

function typeOf(word: string): ResourceType | Refused {
  const type = findResourceType(word);
  if (type !== null) {
    return type;
  }
  const suggestion = nearest(word, resourceNames());
  return refused(
    `error: the server doesn't have a resource type "${word}"`,
    1,
    suggestion === null ? undefined : `did you mean "${suggestion}"?`,
  );
}

/** Looks the objects up. */
export function findTargets(cluster: ClusterView, wanted: Targets): Found {
  const objects: Found['objects'][number][] = [];
  const errors: string[] = [];
  const labels = parseLabelSelector(wanted.selector);
  for (const { type, name } of wanted.targets) {
    const fields = parseFieldSelector(wanted.fieldSelector, type);
    if (!labels.ok || !fields.ok) {
      const where = `"${apiVersionOf(type)}, Resource=${type.plural}"`.replace('"v1,', '"/v1,');
      const problem = labels.ok ? (fields.ok ? '' : fields.error) : labels.error;
      errors.push(
        `Error from server (BadRequest): Unable to find ${where} that match label selector "${wanted.selector}", field selector "${wanted.fieldSelector}": ${problem}`,
      );
      continue;
    }
    const all = cluster.list(type.kind, type.namespaced ? wanted.namespace : null);
    const matching = all.filter(
      (object) =>
        (name === null || object.metadata.name === name) &&
        meetsRequirements(labels.requirements, object.metadata.labels ?? {}) &&
        meetsFields(fields.requirements, object),
    );
    if (name !== null && matching.length === 0) {
      errors.push(notFound(type, name));
    }
    objects.push(...matching.map((object) => ({ type, object })));
  }
  return { objects, errors };
}

/** What kubectl prints when an object does not exist. */
export function notFound(type: ResourceType, name: string): string {
  return `Error from server (NotFound): ${qualifiedPlural(type)} "${name}" not found`;
}

/** Words that may follow: types, or names of the type that stands first. */
export function completeTargets(before: readonly string[], cluster: ClusterView, flags: Flags | null): readonly string[] {
  const [word] = before;
  const type = word === undefined ? null : findResourceType(word);
  return type === null
    ? resourceNames()
    : cluster.list(type.kind, flags === null || !type.namespaced ? null : namespaceOf(flags)).map(({ metadata }) => metadata.name);
}
