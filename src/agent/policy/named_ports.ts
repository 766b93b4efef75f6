/**
 * Names of container ports.
 * @see cilium:pkg/types/portmap.go
 */

/** A named port of a pod. */
export interface NamedPort {
  /** In small letters. */
  readonly name: string;
  readonly port: number;
  /** 0 = any. */
  readonly proto: number;
}

/**
 * The number behind a name and protocol; 0 when nothing or more than one number fits.
 * @see cilium:pkg/types/portmap.go#namedPortMultiMap.GetNamedPort
 */
export function resolveNamedPort(ports: readonly NamedPort[], name: string, proto: number): number {
  let found = 0;
  for (const port of ports) {
    if (port.name !== name || port.port === 0 || (port.proto !== 0 && port.proto !== proto)) {
      continue;
    }
    if (found !== 0 && found !== port.port) {
      return 0;
    }
    found = port.port;
  }
  return found;
}

/**
 * The named ports of all pods, each as often as a pod has it.
 * @see cilium:pkg/types/portmap.go#namedPortMultiMap
 */
export class NamedPortMultiMap {
  readonly #byName = new Map<string, Map<string, { readonly port: NamedPort; users: number }>>();

  /** A pod came. */
  add(ports: readonly NamedPort[]): void {
    for (const port of ports) {
      const known = this.#byName.get(port.name) ?? new Map<string, { readonly port: NamedPort; users: number }>();
      this.#byName.set(port.name, known);
      const entry = known.get(keyOf(port));
      if (entry === undefined) {
        known.set(keyOf(port), { port, users: 1 });
      } else {
        entry.users += 1;
      }
    }
  }

  /** A pod went. */
  remove(ports: readonly NamedPort[]): void {
    for (const port of ports) {
      const known = this.#byName.get(port.name);
      const entry = known?.get(keyOf(port));
      if (known !== undefined && entry !== undefined && --entry.users === 0) {
        known.delete(keyOf(port));
      }
    }
  }

  /** The number behind a name and protocol; 0 when nothing or more than one number fits. */
  resolve(name: string, proto: number): number {
    return resolveNamedPort(
      [...(this.#byName.get(name)?.values() ?? [])].map(({ port }) => port),
      name,
      proto,
    );
  }
}

function keyOf({ port, proto }: NamedPort): string {
  return `${port}/${proto}`;
}
