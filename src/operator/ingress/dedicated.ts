/**
 * The service and the endpoints of an Ingress that has a load balancer of its own.
 * @see cilium:operator/pkg/model/translation/ingress/dedicated_ingress.go#DedicatedIngressTranslator.Translate
 */
import type { Endpoints, ObjectMeta, Service } from '../../k8s/objects.ts';
import type { HttpListener, NodePortService, SourceResource } from '../model/model.ts';

const PREFIX = 'cilium-ingress';
/** Marks what belongs to an Ingress. */
export const INGRESS_LABEL = 'cilium.io/ingress';

/** `cilium-ingress-NAME` */
export function dedicatedServiceName(name: string): string {
  return `${PREFIX}-${name}`;
}

/** `cilium-ingress-NAMESPACE-NAME` */
export function dedicatedConfigName({ namespace, name }: SourceResource): string {
  return `${PREFIX}-${namespace}-${name}`;
}

/** The name of the Ingress that has a service. @see cilium:operator/pkg/ingress/ingress.go#getIngressKeyForService */
export function ingressOfService(name: string): string {
  return name.startsWith(`${PREFIX}-`) ? name.slice(PREFIX.length + 1) : name;
}

/** @see cilium:operator/pkg/model/translation/ingress/dedicated_ingress.go#getService */
export function dedicatedService({ source, service }: HttpListener): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(source),
    spec: {
      type: service === null ? 'LoadBalancer' : 'NodePort',
      ports: servicePorts(service),
    },
  };
}

/** Ports of a load balancer for HTTP. */
export function servicePorts(service: NodePortService | null): NonNullable<Service['spec']['ports']> {
  const nodePort = (port: number | null | undefined): { readonly nodePort?: number } =>
    typeof port === 'number' ? { nodePort: port } : {};
  return [
    { name: 'http', protocol: 'TCP', port: 80, ...nodePort(service?.insecureNodePort) },
    { name: 'https', protocol: 'TCP', port: 443, ...nodePort(service?.secureNodePort) },
  ];
}

/** One that does not exist: the agent writes no service without backends. @see cilium:operator/pkg/model/translation/ingress/dedicated_ingress.go#getEndpoints */
export function dummySubsets(): NonNullable<Endpoints['subsets']> {
  return [{ addresses: [{ ip: '192.192.192.192' }], ports: [{ port: 9999 }] }];
}

/** The endpoints of {@link dedicatedService}. */
export function dedicatedEndpoints({ source }: HttpListener): Endpoints {
  return { apiVersion: 'v1', kind: 'Endpoints', metadata: metadataOf(source), subsets: dummySubsets() };
}

function metadataOf({ namespace, name, uid }: SourceResource): ObjectMeta {
  return {
    name: dedicatedServiceName(name),
    namespace,
    labels: { [INGRESS_LABEL]: 'true' },
    ownerReferences: [{ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name, uid }],
  };
}
