/** What runs in a container, by its image. */
import { agnhostServers } from './agnhost.ts';
import { CassandraServer } from './cassandra/server.ts';
import { newDoorServer } from './cloud_city.ts';
import { Coredns, type DnsZone } from './coredns.ts';
import { newDeathstar } from './deathstar.ts';
import { newEchoServer } from './echo_server.ts';
import { newJsonMock } from './json_mock.ts';
import { KafkaBroker } from './kafka/broker.ts';
import { MemcachedServer } from './memcached/server.ts';
import type { Server } from './process.ts';

/** What of a container's specification the images look at. */
export interface ContainerSpec {
  readonly image: string;
  readonly args: readonly string[];
  /** The container runs a command of its own in place of the image's. */
  readonly idle: boolean;
  readonly env: ReadonlyMap<string, string>;
  /** Ports the container declares. */
  readonly ports: readonly number[];
}

/** A container's servers, none for one that listens nowhere; `undefined` for an image nobody has modelled (it runs idle). */
export function serversForImage(spec: ContainerSpec, zone: DnsZone): readonly Server[] | undefined {
  const name = spec.image.replace(/@.*$/, '').replace(/:[^/]*$/, '');
  if (/(^|\/)cilium\/starwars$/.test(name)) {
    return [newDeathstar()];
  }
  if (/coredns$/.test(name)) {
    return [new Coredns(zone)];
  }
  if (/(^|\/)agnhost$/.test(name)) {
    return agnhostServers(spec);
  }
  if (/(^|\/)(http-echo|echoserver|nginx|httpd|echo-server)$/.test(name)) {
    return [newEchoServer(spec.ports[0] ?? 80, echoText(spec.args))];
  }
  if (/(^|\/)json-mock$/.test(name)) {
    return [newJsonMock(spec.ports[0] ?? 8080)];
  }
  if (/(^|\/)cc-grpc-demo$/.test(name)) {
    return spec.args.some((arg) => arg.endsWith('cc_door_server.py')) ? [newDoorServer()] : [];
  }
  if (/(^|\/)kafka$/.test(name)) {
    return [newKafkaBroker(spec)];
  }
  // The guide's clients run the same image with another command.
  if (/(^|\/)cassandra$/.test(name) && !spec.idle) {
    return [new CassandraServer(spec.ports[0] ?? 9042)];
  }
  if (/(^|\/)memcached$/.test(name) && !spec.idle) {
    return [new MemcachedServer(spec.ports[0] ?? 11211)];
  }
  return /(^|\/)(kafkaclient|zookeeper|cassandra|memcached|python-bmemcached|netperf|netshoot|curl|busybox|alpine(-curl)?|pause)$/.test(
    name,
  )
    ? []
    : undefined;
}

function echoText(args: readonly string[]): string | null {
  const text = args.find((arg) => /^--?text=/.test(arg));
  return text === undefined ? null : `${text.replace(/^--?text=/, '')}\n`;
}

/** `KAFKA_CREATE_TOPICS=name:partitions:replicas,…`. @see https://github.com/wurstmeister/kafka-docker */
function newKafkaBroker(spec: ContainerSpec): KafkaBroker {
  const topics = (spec.env.get('KAFKA_CREATE_TOPICS') ?? '').split(',').flatMap((one) => one.split(':').slice(0, 1));
  return new KafkaBroker({
    port: spec.ports[0] ?? 9092,
    advertisedHost: spec.env.get('KAFKA_ADVERTISED_HOST_NAME') ?? null,
    topics: topics.filter((topic) => topic !== ''),
  });
}
