/**
 * Model-based tests of a running cluster, for `fc.modelRun`: pods come, go and are relabelled, policies are applied and deleted, and requests are sent. The model is
 * the objects that the API server should hold; what a request should meet is told from them by the oracle.
 */
import fc from 'fast-check';
import { Cluster } from '../../cluster/cluster.ts';
import { type ClusterOptions, DEFAULT_CLUSTER_OPTIONS } from '../../cluster/options.ts';
import type { KubeObject } from '../../k8s/objects.ts';
import type { SourcedObject } from '../../scenario/manifests.ts';
import { SECOND } from '../../sim/clock.ts';
import type { RequestShape } from '../arbitraries/http_request.ts';
import { httpRequest } from '../arbitraries/http_request.ts';
import type { LabelMap } from '../model/cluster.ts';
import type { OracleRequest } from '../oracle/http.ts';
import { ANSWERED_METHODS, curlRequest } from '../run/curl.ts';
import { reach } from '../run/reach.ts';
import { subjectOfObjects } from '../run/subject.ts';
import { oracleOf, pathOptionsOf } from '../run/told.ts';

/** An endpoint keeps its old identity for so long. @see cilium:pkg/option/config.go#IdentityChangeGracePeriod */
const GRACE_PERIOD = 5 * SECOND;
const TIMEOUT = 10 * SECOND;
const IMAGE = 'hashicorp/http-echo';

/** What should be there: objects by kind, namespace and name. */
export type ClusterModel = Map<string, KubeObject>;

/** A step of a model-based test. */
export type ClusterCommand = fc.Command<ClusterModel, Cluster>;

/** What the commands are drawn from. */
export interface ClusterCommandsOptions {
  /** Pods that come and go, in the namespace default; each name with the labels it may have. They serve port 80. */
  readonly pods: Readonly<Record<string, readonly LabelMap[]>>;
  /** Policies that come and go. */
  readonly policies: readonly KubeObject[];
  /** What is asked for; requests are drawn near these. Default: any. */
  readonly requests?: readonly RequestShape[];
  /** Default: 30. */
  readonly maxCommands?: number;
}

/** Steps for `fc.modelRun(clusterSetup(), steps)`; they shrink to the fewest that are needed. Throws if there are no pods. */
export function clusterCommands({
  pods,
  policies,
  requests,
  maxCommands = 30,
}: ClusterCommandsOptions): fc.Arbitrary<Iterable<ClusterCommand>> {
  const names = Object.keys(pods);
  if (names.length === 0) {
    throw new Error('clusterCommands: there are no pods');
  }
  const name = fc.constantFrom(...names);
  const labelled = name.chain((one) => fc.constantFrom(...(pods[one] ?? [])).map((labels) => podObject(one, labels)));
  const asked = httpRequest(requests).filter(({ method }) => ANSWERED_METHODS.includes(method));
  const ask = fc.tuple(name, name, asked).map(([from, to, request]) => new Request(from, to, request));
  const commands: fc.Arbitrary<ClusterCommand>[] = [
    labelled.map((pod) => new Apply(pod)),
    name.map((one) => new Delete('Pod', one)),
    ask,
    ask,
  ];
  if (policies.length > 0) {
    const policy = fc.constantFrom(...policies);
    commands.push(
      policy.map((one) => new Apply(one)),
      policy.map(({ kind, metadata }) => new Delete(kind, metadata.name, metadata.namespace)),
    );
  }
  return fc.commands(commands, { maxCommands, size: 'max' });
}

/** A new cluster with nothing in it, and its model. */
export function clusterSetup(options: ClusterOptions = DEFAULT_CLUSTER_OPTIONS): fc.ModelRunSetup<ClusterModel, Cluster> {
  return () => ({ model: new Map(), real: Cluster.create(options) });
}

const keyOf = (kind: string, name: string, namespace = 'default'): string => `${kind} ${namespace}/${name}`;

function podObject(name: string, labels: LabelMap): KubeObject {
  const containers = [{ name: 'main', image: IMAGE, ports: [{ containerPort: 80 }] }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', labels }, spec: { containers } };
}

/** Creates an object, or changes it. */
class Apply implements ClusterCommand {
  readonly #object: KubeObject;

  constructor(object: KubeObject) {
    this.#object = object;
  }

  check(): boolean {
    return true;
  }

  run(model: ClusterModel, real: Cluster): void {
    const { kind, metadata } = this.#object;
    model.set(keyOf(kind, metadata.name, metadata.namespace), this.#object);
    real.api.apply(this.#object);
    real.settle();
  }

  toString(): string {
    const { kind, metadata } = this.#object;
    return `apply ${kind} ${metadata.name}${kind === 'Pod' ? ` ${JSON.stringify(metadata.labels ?? {})}` : ''}`;
  }
}

/** Deletes an object that is there. */
class Delete implements ClusterCommand {
  readonly #kind: string;
  readonly #name: string;
  readonly #namespace: string;

  constructor(kind: string, name: string, namespace = 'default') {
    this.#kind = kind;
    this.#name = name;
    this.#namespace = namespace;
  }

  check(model: Readonly<ClusterModel>): boolean {
    return model.has(keyOf(this.#kind, this.#name, this.#namespace));
  }

  run(model: ClusterModel, real: Cluster): void {
    model.delete(keyOf(this.#kind, this.#name, this.#namespace));
    real.api.delete(this.#kind, this.#namespace, this.#name);
    real.settle();
  }

  toString(): string {
    return `delete ${this.#kind} ${this.#name}`;
  }
}

/** Sends a request when everything is at rest; throws if it fares otherwise than the objects say. */
class Request implements ClusterCommand {
  readonly #from: string;
  readonly #to: string;
  readonly #request: OracleRequest;

  constructor(from: string, to: string, request: OracleRequest) {
    this.#from = from;
    this.#to = to;
    this.#request = request;
  }

  check(model: Readonly<ClusterModel>): boolean {
    return this.#from !== this.#to && model.has(keyOf('Pod', this.#from)) && model.has(keyOf('Pod', this.#to));
  }

  run(model: ClusterModel, real: Cluster): void {
    const told = this.#told(model);
    if (told === 'unknown') {
      return;
    }
    real.advance(GRACE_PERIOD);
    real.settle();
    const status = this.#send(real);
    if ((status === '200') !== (told === 'yes')) {
      throw new Error(
        `${this.toString()}: ${told === 'yes' ? 'should reach the server' : 'should not reach the server'}, but curl got ${status}`,
      );
    }
  }

  #told(model: Readonly<ClusterModel>): 'yes' | 'no' | 'unknown' {
    const origin = { file: 'model', locate: () => ({ line: 1, column: 1 }) };
    const objects = [...model.values()].map((object): SourcedObject => ({ object, origin }));
    const subject = subjectOfObjects(objects);
    const party = (name: string) => {
      const pod = subject.cluster.pods.find((one) => one.namespace === 'default' && one.name === name);
      if (pod === undefined) {
        throw new Error(`the model has no pod ${name}`);
      }
      return { kind: 'pod', pod, exists: true } as const;
    };
    const attempt = { from: party(this.#from), to: party(this.#to), port: 80, protocol: 'TCP', request: this.#request } as const;
    const told = reach(oracleOf(subject, subject.policies), attempt, pathOptionsOf(subject));
    // Whether an L7 rule reopens a deny depends on which came first, the policy or the peer.
    return told.reaches === 'yes' && told.quirk ? 'unknown' : told.reaches;
  }

  #send(real: Cluster): string {
    const status = (real.api.get('Pod', 'default', this.#to) as { readonly status?: { readonly podIP?: string } } | undefined)?.status;
    const url = `${status?.podIP ?? ''}${this.#request.path}`;
    const argv = curlRequest(this.#request, url, 5);
    const execution = real.exec('default', this.#from, argv);
    real.runUntil(() => execution?.done === true, TIMEOUT);
    execution?.kill();
    return execution?.result?.stdout.slice(-3) ?? 'no answer';
  }

  toString(): string {
    const { method, path, host, headers } = this.#request;
    return `${this.#from} -> ${this.#to} ${method} ${path}${host === '' ? '' : ` host ${host}`}${Object.keys(headers).length === 0 ? '' : ` ${JSON.stringify(headers)}`}`;
  }
}
