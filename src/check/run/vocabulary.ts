/** The words of policies and manifests: labels that pods could have, ports, prefixes, and requests worth trying. */
import type { PropertyPort, RequestPattern } from '../../scenario/schema/properties.ts';
import type { RequestShape } from '../arbitraries/http_request.ts';
import type { K8sObject } from '../model/cluster.ts';
import { Oracle } from '../oracle/oracle.ts';
import type { PortTerm } from '../oracle/statement.ts';
import type { CheckSubject } from './subject.ts';

/** The words. */
export interface Vocabulary {
  readonly labels: readonly (readonly [key: string, value: string])[];
  readonly namespaces: readonly string[];
  readonly ports: readonly PropertyPort[];
  readonly shapes: readonly RequestShape[];
}

/** Collects the words of a subject and of a property's request patterns and ports. */
export function vocabularyOf(subject: CheckSubject, ports: readonly PropertyPort[], patterns: readonly RequestPattern[]): Vocabulary {
  const labels = new Map<string, readonly [string, string]>();
  const add = (key: string, value: string): void => {
    const name = key.replace(/^(k8s|any):/, '');
    if (!name.includes('io.kubernetes.pod.namespace') && !name.startsWith('io.cilium.k8s') && !name.startsWith('reserved')) {
      labels.set(`${name}=${value}`, [name, value]);
    }
  };
  for (const object of subject.policies) {
    walk(object, (key, value) => add(key, value));
  }
  for (const pod of subject.cluster.pods) {
    for (const [key, value] of Object.entries(pod.labels)) {
      add(key, value);
    }
  }
  const { statements } = new Oracle(subject.cluster, subject.policies);
  const tcp = (port: number): PropertyPort => ({ port, protocol: 'TCP' });
  const named = subject.cluster.pods.flatMap((pod) => pod.ports.map(({ port, protocol }): PropertyPort => ({ port, protocol })));
  const declared = [...subject.specs.values()].flatMap((spec) =>
    spec.containers.flatMap((container) => (container.ports ?? []).map(({ containerPort }) => tcp(containerPort))),
  );
  const written = statements.flatMap((one) => (one.ports ?? []).flatMap((term) => term.ports.flatMap(portOf)));
  const shapes = statements.flatMap((one) => (one.ports ?? []).flatMap(({ seven }) => seven?.rules ?? []));
  const all = [...ports, ...written, ...named, ...declared, tcp(80), tcp(8081), { port: 53, protocol: 'UDP' } as const, PING];
  return {
    labels: [...labels.values()],
    namespaces: subject.cluster.namespaces.map(({ name }) => name),
    ports: [...new Map(all.map((one) => [`${one.port}/${one.protocol}`, one])).values()],
    shapes: [...patterns.map(shapeOf), ...shapes],
  };
}

/** An echo request. */
const PING: PropertyPort = { port: 8, protocol: 'ICMP' };

/** A port that can be tried. */
function portOf({ port, protocol }: PortTerm): PropertyPort[] {
  return port > 0 && (protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP') ? [{ port, protocol }] : [];
}

function shapeOf({ method, path, host, headers }: RequestPattern): RequestShape {
  return {
    ...(method === undefined ? {} : { method }),
    ...(path === undefined ? {} : { path }),
    ...(host === undefined ? {} : { host }),
    headers: Object.entries(headers ?? {}),
  };
}

/** Every label that a selector somewhere inside an object names. */
function walk(value: unknown, see: (key: string, value: string) => void): void {
  if (Array.isArray(value)) {
    for (const one of value) {
      walk(one, see);
    }
    return;
  }
  if (typeof value !== 'object' || value === null) {
    return;
  }
  const object = value as K8sObject;
  for (const [key, text] of Object.entries((object['matchLabels'] ?? {}) as Record<string, unknown>)) {
    see(key, String(text));
  }
  for (const one of (object['matchExpressions'] ?? []) as readonly { readonly key?: string; readonly values?: readonly string[] }[]) {
    for (const text of one.values ?? ['x']) {
      see(String(one.key), text);
    }
  }
  for (const one of Object.values(object)) {
    walk(one, see);
  }
}
