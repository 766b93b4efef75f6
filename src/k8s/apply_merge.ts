/**
 * What `kubectl apply` sends: the user's new text over the live object, minus what the text before had and the new one has not.
 * The text before is kept in an annotation.
 * @see kubernetes:staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go#CreateThreeWayMergePatch
 * @remarks Simplified: patch directives (`$patch: delete`, `$setElementOrder`) are not read.
 */
import { goJson } from '../net/go_json.ts';
import type { KubeObject } from './objects.ts';

/** Where kubectl keeps the text before. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

type JsonMap = Readonly<Record<string, unknown>>;

/** The member that identifies the items of a list, by the list's name. Lists that are not named here are replaced. @see kubernetes:staging/src/k8s.io/api/core/v1/types.go (patchMergeKey) */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  imagePullSecrets: 'name',
  hostAliases: 'ip',
  ownerReferences: 'uid',
};

/** The object with its own text in the annotation; a status is not part of it. */
export function withLastApplied<T extends KubeObject>(object: T): T {
  const { status: _status, ...rest } = object;
  const { [LAST_APPLIED]: _before, ...annotations } = object.metadata.annotations ?? {};
  const text = `${goJson({ ...rest, metadata: { ...object.metadata, annotations } })}\n`;
  return { ...rest, metadata: { ...object.metadata, annotations: { ...annotations, [LAST_APPLIED]: text } } } as unknown as T;
}

/** The live object after applying `object`, which has the annotation. */
export function mergeApplied(live: KubeObject, object: KubeObject): KubeObject {
  const { [LAST_APPLIED]: _text, ...annotations } = live.metadata.annotations ?? {};
  const before = lastApplied(live);
  const merged = mergeMaps(before, object, { ...live, metadata: { ...live.metadata, annotations } }, isStrategic(live));
  return merged as unknown as KubeObject;
}

/** A patch over an object: `null` removes a member. @see https://www.rfc-editor.org/rfc/rfc7386 */
export function mergePatch(live: KubeObject, patch: JsonMap, strategic: boolean): KubeObject {
  return mergeMaps({}, patch, live, strategic && isStrategic(live)) as unknown as KubeObject;
}

/** Kinds that are not the server's own have no merge keys. */
function isStrategic(object: KubeObject): boolean {
  return !object.apiVersion.startsWith('cilium.io/');
}

function lastApplied(live: KubeObject): JsonMap {
  try {
    const value: unknown = JSON.parse(live.metadata.annotations?.[LAST_APPLIED] ?? '{}');
    return isMap(value) ? value : {};
  } catch {
    return {};
  }
}

function mergeMaps(before: JsonMap, now: JsonMap, live: JsonMap, strategic: boolean): JsonMap {
  const merged: Record<string, unknown> = {};
  for (const key of [...Object.keys(live), ...Object.keys(now).filter((one) => !Object.hasOwn(live, one))]) {
    const wanted = Object.hasOwn(now, key) ? now[key] : undefined;
    const there = Object.hasOwn(live, key) ? live[key] : undefined;
    if (wanted === null || (wanted === undefined && Object.hasOwn(before, key) && before[key] !== null)) {
      continue;
    }
    Object.defineProperty(merged, key, {
      value: wanted === undefined ? there : mergeValues({ before: before[key], now: wanted, live: there }, key, strategic),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return merged;
}

interface Versions {
  readonly before: unknown;
  readonly now: unknown;
  readonly live: unknown;
}

function mergeValues({ before, now, live }: Versions, name: string, strategic: boolean): unknown {
  if (isMap(now)) {
    return mergeMaps(isMap(before) ? before : {}, now, isMap(live) ? live : {}, strategic);
  }
  const key = strategic ? mergeKey(name, now) : undefined;
  return key !== undefined && Array.isArray(now) && Array.isArray(live)
    ? mergeLists({ before: Array.isArray(before) ? before : [], now, live }, key)
    : now;
}

/** Ports of containers and of services have different keys. */
function mergeKey(name: string, list: unknown): string | undefined {
  if (name !== 'ports') {
    return Object.hasOwn(MERGE_KEYS, name) ? MERGE_KEYS[name] : undefined;
  }
  const first: unknown = Array.isArray(list) ? list[0] : undefined;
  return isMap(first) && first['containerPort'] !== undefined ? 'containerPort' : 'port';
}

/** The user's items in the user's order, then those that others have added. */
function mergeLists(
  lists: { readonly before: readonly unknown[]; readonly now: readonly unknown[]; readonly live: readonly unknown[] },
  key: string,
): unknown[] {
  const find = (list: readonly unknown[], id: unknown): JsonMap => list.find((one): one is JsonMap => isMap(one) && one[key] === id) ?? {};
  const has = (list: readonly unknown[], id: unknown): boolean => list.some((one) => isMap(one) && one[key] === id);
  const wanted = lists.now.map((item) =>
    isMap(item) ? mergeMaps(find(lists.before, item[key]), item, find(lists.live, item[key]), true) : item,
  );
  const others = lists.live.filter((item) => isMap(item) && !has(lists.now, item[key]) && !has(lists.before, item[key]));
  return [...wanted, ...others];
}

function isMap(value: unknown): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
