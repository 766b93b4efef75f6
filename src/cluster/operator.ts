/**
 * Cilium's operator, and what its chart installs for Ingresses.
 * @see cilium:install/kubernetes/cilium/templates/cilium-ingress-service.yaml
 */
import type { DaemonOptions } from '../agent/option/config.ts';
import type { ApiServer } from '../k8s/api_server.ts';
import type { KubeObject } from '../k8s/objects.ts';
import { CILIUM_NAMESPACE, IngressController } from '../operator/ingress/controller.ts';
import { dummySubsets, INGRESS_LABEL, servicePorts } from '../operator/ingress/dedicated.ts';
import type { Scheduler } from '../sim/scheduler.ts';

/** Starts the operator's Ingress controller. */
export function startOperator(api: ApiServer, scheduler: Scheduler, options: DaemonOptions): void {
  if (!options['enable-ingress-controller']) {
    return;
  }
  for (const object of chartObjects(options)) {
    api.create(object);
  }
  new IngressController(api.connect(), scheduler, {
    enforceHttps: options['enforce-ingress-https'],
    secretsSync: options['enable-ingress-secrets-sync'],
    secretsNamespace: options['ingress-secrets-namespace'],
    lbAnnotationPrefixes: options['ingress-lb-annotation-prefixes'].split(/[\s,]+/).filter((prefix) => prefix !== ''),
    sharedServiceName: options['ingress-shared-lb-service-name'],
    defaultMode: options['ingress-default-lb-mode'],
  });
}

function chartObjects(options: DaemonOptions): KubeObject[] {
  const metadata = { name: options['ingress-shared-lb-service-name'], namespace: CILIUM_NAMESPACE };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: options['ingress-secrets-namespace'] } },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'cilium' },
      spec: { controller: 'cilium.io/ingress-controller' },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...metadata, labels: { [INGRESS_LABEL]: 'true' } },
      spec: { type: 'LoadBalancer', ports: servicePorts(null) },
    },
    { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets: dummySubsets() },
  ];
}
