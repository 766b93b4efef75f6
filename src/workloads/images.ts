/** What runs in a container, by its image. */
import { Coredns, type DnsZone } from './coredns.ts';
import { newDeathstar } from './deathstar.ts';
import { newEchoServer } from './echo_server.ts';
import type { Server } from './process.ts';

/** What of a container's specification the images look at. */
export interface ContainerSpec {
  readonly image: string;
  readonly args: readonly string[];
  /** Ports the container declares. */
  readonly ports: readonly number[];
}

/** A container's server; `null` for one that listens nowhere; `undefined` for an image nobody has modelled (it runs idle). */
export function serverForImage(spec: ContainerSpec, zone: DnsZone): Server | null | undefined {
  const name = spec.image.replace(/@.*$/, '').replace(/:[^/]*$/, '');
  if (/(^|\/)cilium\/starwars$/.test(name)) {
    return newDeathstar();
  }
  if (/coredns$/.test(name)) {
    return new Coredns(zone);
  }
  if (/(^|\/)(http-echo|echoserver|agnhost|nginx|httpd|echo-server|json-mock)$/.test(name)) {
    return newEchoServer(spec.ports[0] ?? 80, echoText(spec.args));
  }
  return /(^|\/)(netperf|netshoot|curl|busybox|alpine(-curl)?|pause)$/.test(name) ? null : undefined;
}

function echoText(args: readonly string[]): string | null {
  const text = args.find((arg) => /^--?text=/.test(arg));
  return text === undefined ? null : `${text.replace(/^--?text=/, '')}\n`;
}
