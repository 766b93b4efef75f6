/** Manifests as something a test can ask: does this pod reach that one? */
import { parseManifest } from '../../k8s/manifest.ts';
import type { ModelPod } from '../model/cluster.ts';
import { Oracle } from '../oracle/oracle.ts';
import { type Reach, reach } from '../run/reach.ts';
import { subjectOfObjects } from '../run/subject.ts';

/** A question. Pods are named `pod` or `namespace/pod`, a Deployment's by the Deployment; addresses outside as they are. */
export interface Question {
  readonly from: string | ModelPod;
  readonly to: string | ModelPod;
  /** Default: 80. */
  readonly port?: number;
  /** Default: TCP. */
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP' | 'ICMP';
  /** Default: GET. */
  readonly method?: string;
  /** Default: /. */
  readonly path?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers questions about some manifests. */
export interface Reachability {
  readonly pods: readonly ModelPod[];
  readonly oracle: Oracle;
  /** What becomes of a request, in a cluster of Cilium 1.13.3. */
  ask(question: Question): Reach;
}

/** Reads manifests (one or more YAML texts); throws if one has a fault. */
export function reachability(...texts: readonly string[]): Reachability {
  const parsed = texts.map((text, i) => parseManifest(text, `manifest ${i + 1}`));
  const issue = parsed.flatMap(({ issues }) => issues)[0];
  if (issue !== undefined) {
    throw new Error(`${issue.line}:${issue.column}: ${issue.message}`);
  }
  const subject = subjectOfObjects(parsed.flatMap(({ objects }) => objects));
  const { pods } = subject.cluster;
  const oracle = new Oracle(subject.cluster, subject.policies);
  const party = (who: string | ModelPod): Parameters<typeof reach>[1]['from'] => {
    if (typeof who !== 'string') {
      return { kind: 'pod', pod: who, exists: pods.includes(who) };
    }
    const found = pods.find(({ namespace, name }) => who === `${namespace}/${name}` || (!who.includes('/') && who === name));
    if (found === undefined && !/^\d+\.\d+\.\d+\.\d+$/.test(who)) {
      throw new Error(`no pod "${who}"; there are: ${pods.map(({ namespace, name }) => `${namespace}/${name}`).join(', ') || 'none'}`);
    }
    return found === undefined ? { kind: 'address', ip: who, name: null } : { kind: 'pod', pod: found, exists: true };
  };
  return {
    pods,
    oracle,
    ask: ({ from, to, port = 80, protocol = 'TCP', method = 'GET', path = '/', host = '', headers = {} }) =>
      reach(oracle, { from: party(from), to: party(to), port, protocol, request: { method, path, host, headers } }),
  };
}
