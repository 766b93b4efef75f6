/**
 * Copies of the TLS secrets of Ingresses in the namespace where the agents look for them, as `NAMESPACE-NAME`.
 * @see cilium:operator/pkg/ingress/secret.go#syncSecretManager
 */
import type { ApiServer } from '../../k8s/api_server.ts';
import type { Ingress, KubeObject } from '../../k8s/objects.ts';
import { MILLISECOND } from '../../sim/clock.ts';
import type { Scheduler } from '../../sim/scheduler.ts';

interface Secret extends KubeObject {
  readonly type?: string;
  readonly data?: unknown;
  readonly stringData?: unknown;
}

/** @see cilium:operator/pkg/ingress/ingress_options.go#DefaultIngressOptions */
const MAX_RETRIES = 10;
/** @see kubernetes:staging/src/k8s.io/client-go/util/workqueue/default_rate_limiters.go#DefaultControllerRateLimiter */
const FIRST_RETRY = 5 * MILLISECOND;

/** The copies. */
export class SecretSync {
  readonly #api: ApiServer;
  readonly #scheduler: Scheduler;
  readonly #namespace: string;
  /** `namespace/name` of the secrets that Ingresses have named. */
  readonly #watched = new Set<string>();

  constructor(api: ApiServer, scheduler: Scheduler, namespace: string) {
    this.#api = api;
    this.#scheduler = scheduler;
    this.#namespace = namespace;
    api.watch<Secret>('Secret', {
      onAdd: (secret) => this.#sync(secret),
      onUpdate: (_old, secret) => this.#sync(secret),
      onDelete: (secret) => {
        if (this.#watched.delete(keyOf(secret))) {
          api.delete('Secret', namespace, copyName(secret));
        }
      },
    });
  }

  /**
   * An Ingress appeared or changed. A secret that does not exist is looked for again for some seconds; one that comes later is copied when the
   * Ingress next changes. Nothing is done when an Ingress goes: another one may use the secret.
   */
  upserted(ingress: Ingress, retries = 0): void {
    const { namespace = 'default' } = ingress.metadata;
    for (const { secretName = '' } of ingress.spec.tls ?? []) {
      const secret = this.#api.get<Secret>('Secret', namespace, secretName);
      if (secret === undefined || secret.type !== 'kubernetes.io/tls') {
        if (retries < MAX_RETRIES) {
          this.#scheduler.after(FIRST_RETRY * 2 ** retries, 'periodic:ingress secret', () => this.upserted(ingress, retries + 1));
        }
        return;
      }
      this.#watched.add(keyOf(secret));
      this.#sync(secret);
    }
  }

  #sync(secret: Secret): void {
    if (secret.metadata.namespace === this.#namespace || !this.#watched.has(keyOf(secret))) {
      return;
    }
    const { data, stringData, type, metadata } = secret;
    const items = { ...(data === undefined ? {} : { data }), ...(stringData === undefined ? {} : { stringData }) };
    const { labels, annotations } = metadata;
    this.#api.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: copyName(secret),
        namespace: this.#namespace,
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
      },
      ...(type === undefined ? {} : { type }),
      ...items,
    });
  }
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? 'default'}/${metadata.name}`;
}

function copyName({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? 'default'}-${metadata.name}`;
}
