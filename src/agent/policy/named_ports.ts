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
