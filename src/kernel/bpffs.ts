/**
 * The BPF file system of a node: pinned maps by path. This is how the agent, the programs and the proxy come to share a map.
 * @see linux:kernel/bpf/inode.c#bpf_obj_pin_user
 */
import { assert } from '../sim/assert.ts';

/** Where Cilium's maps are pinned. @see cilium:pkg/defaults/defaults.go#DefaultMapRoot */
export const BPF_ROOT = '/sys/fs/bpf';
/** Directory of global maps below the root. */
export const TC_GLOBALS = 'tc/globals';

/** Pinned objects of one node. */
export class BpfFs {
  readonly #objects = new Map<string, unknown>();

  /** Pins an object below the globals directory. A name can be pinned once. */
  pin<T>(name: string, object: T): T {
    const path = globalPath(name);
    assert(!this.#objects.has(path), `${path} is already pinned`);
    this.#objects.set(path, object);
    return object;
  }

  /** What is pinned under a name already, else what `create` makes, pinned. @see cilium:pkg/bpf/map_linux.go#Map.OpenOrCreate */
  open<T>(name: string, create: () => T): T {
    return this.get<T>(name) ?? this.pin(name, create());
  }

  /** Removes a pin; holders of the object keep it. */
  unpin(name: string): void {
    this.#objects.delete(globalPath(name));
  }

  /**
   * The object pinned under a name, or `undefined`. The caller states its type, as a program states key and value sizes.
   */
  get<T>(name: string): T | undefined {
    return this.#objects.get(globalPath(name)) as T | undefined;
  }

  /** Pinned names in order of pinning. */
  names(): string[] {
    const prefix = globalPath('');
    return [...this.#objects.keys()].map((path) => path.slice(prefix.length));
  }
}

function globalPath(name: string): string {
  return `${BPF_ROOT}/${TC_GLOBALS}/${name}`;
}
