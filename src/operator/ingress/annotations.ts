/**
 * Annotations of an Ingress.
 * @see cilium:operator/pkg/ingress/annotations/annotations.go
 */
import type { Ingress } from '../../k8s/objects.ts';
import type { NodePortService } from '../model/model.ts';

/** An annotation by its name, or by the older form of it. @see cilium:pkg/annotation/k8s.go#Get */
function annotation({ metadata: { annotations = {} } }: Ingress, name: string): string | undefined {
  return annotations[`ingress.cilium.io/${name}`] ?? annotations[`io.cilium.ingress/${name}`];
}

/** Whether an Ingress has a load balancer of its own. @see cilium:operator/pkg/ingress/ingress.go#Controller.isEffectiveLoadbalancerModeDedicated */
export function isDedicated(ingress: Ingress, defaultMode: string): boolean {
  const mode = annotation(ingress, 'loadbalancer-mode');
  return mode === 'dedicated' || (mode !== 'shared' && defaultMode === 'dedicated');
}

/** What its service is like: `null` is a LoadBalancer. @see cilium:operator/pkg/model/ingestion/ingress.go#getService */
export function nodePortService(ingress: Ingress): NodePortService | null {
  return annotation(ingress, 'service-type') === 'NodePort'
    ? { insecureNodePort: nodePort(ingress, 'insecure-node-port'), secureNodePort: nodePort(ingress, 'secure-node-port') }
    : null;
}

/** What is no number is as if it were not there. */
function nodePort(ingress: Ingress, name: string): number | null {
  const text = annotation(ingress, name) ?? '';
  return /^[-+]?\d{1,10}$/.test(text) ? Number(text) : null;
}

/** The class an Ingress asks for. @see cilium:operator/pkg/ingress/ingress.go#getIngressClassName */
export function ingressClassName({ metadata, spec }: Ingress): string | undefined {
  return metadata.annotations?.['kubernetes.io/ingress.class'] ?? spec.ingressClassName;
}
