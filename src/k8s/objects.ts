/**
 * The Kubernetes objects the model knows, as plain JSON values in the shape of the API. Only members that something reads are named.
 * @see kubernetes:staging/src/k8s.io/api/core/v1/types.go
 */

/** A reference from an object to the one that made it. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** Metadata of every object. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly generateName?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** RFC 3339. */
  readonly creationTimestamp?: string;
  /** RFC 3339: present once it is deleted and not gone yet. */
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly ownerReferences?: readonly OwnerReference[];
}

/** Any object. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [member: string]: unknown;
}

/** A label selector of the API (matchLabels and matchExpressions). */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values?: readonly string[];
  }[];
}

/** A container of a pod. */
export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly ContainerPort[];
  readonly [member: string]: unknown;
}

/** A port a container declares. */
export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly hostPort?: number;
  readonly hostIP?: string;
  readonly protocol?: string;
}

/** What a pod is to be. */
export interface PodSpec {
  readonly containers: readonly Container[];
  readonly nodeName?: string;
  readonly hostNetwork?: boolean;
  readonly serviceAccountName?: string;
  readonly [member: string]: unknown;
}

/** What a pod is. */
export interface PodStatus {
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  readonly podIP?: string;
  readonly podIPs?: readonly { readonly ip: string }[];
  readonly hostIP?: string;
  readonly startTime?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly [member: string]: unknown }[];
  readonly containerStatuses?: readonly {
    readonly name: string;
    readonly ready: boolean;
    readonly restartCount: number;
    readonly containerID?: string;
    readonly [member: string]: unknown;
  }[];
  readonly [member: string]: unknown;
}

/** A pod. */
export interface Pod extends KubeObject {
  readonly spec: PodSpec;
  readonly status?: PodStatus;
}

/** The template a controller makes pods from. */
export interface PodTemplateSpec {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: PodSpec;
}

/** A Deployment. */
export interface Deployment extends KubeObject {
  readonly spec: { readonly replicas?: number; readonly selector: LabelSelector; readonly template: PodTemplateSpec };
  readonly status?: Readonly<Record<string, unknown>>;
}

/** A ReplicaSet. */
export interface ReplicaSet extends KubeObject {
  readonly spec: { readonly replicas?: number; readonly selector: LabelSelector; readonly template: PodTemplateSpec };
  readonly status?: Readonly<Record<string, unknown>>;
}

/** A port of a service. */
export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: string;
  readonly targetPort?: number | string;
  readonly nodePort?: number;
}

/** A Service. */
export interface Service extends KubeObject {
  readonly spec: {
    readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly ServicePort[];
    readonly sessionAffinity?: 'None' | 'ClientIP';
    readonly externalIPs?: readonly string[];
    readonly [member: string]: unknown;
  };
}

/** An address of an Endpoints subset. */
export interface EndpointAddress {
  readonly ip: string;
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly targetRef?: { readonly kind: string; readonly name: string; readonly namespace?: string };
}

/** Addresses that share ports. */
export interface EndpointSubset {
  readonly addresses?: readonly EndpointAddress[];
  readonly notReadyAddresses?: readonly EndpointAddress[];
  /**
   * Endpoints of pods that are being deleted and still serve.
   * @remarks Simplified: the real object for them is an EndpointSlice, whose condition `terminating` says so.
   */
  readonly terminatingAddresses?: readonly EndpointAddress[];
  readonly ports?: readonly { readonly name?: string; readonly port: number; readonly protocol?: string }[];
}

/** The addresses behind a service. */
export interface Endpoints extends KubeObject {
  readonly subsets?: readonly EndpointSubset[];
}

/** A Node. */
export interface Node extends KubeObject {
  readonly spec?: { readonly podCIDR?: string; readonly podCIDRs?: readonly string[] };
  readonly status?: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] };
}

/** A CiliumNode: what the agents of other nodes need to know of a node. @see cilium:pkg/k8s/apis/cilium.io/v2/types.go#CiliumNode */
export interface CiliumNode extends KubeObject {
  readonly spec: {
    readonly addresses: readonly { readonly type: string; readonly ip: string }[];
    readonly encryption: object;
    readonly health: { readonly ipv4?: string };
    readonly ingress: { readonly ipv4?: string };
    readonly ipam: { readonly podCIDRs: readonly string[] };
  };
}

/** A Namespace. */
export type Namespace = KubeObject;

/** A service that a CiliumEnvoyConfig names. @see cilium:pkg/k8s/apis/cilium.io/v2/cec_types.go#ServiceListener */
export interface EnvoyConfigService {
  readonly name: string;
  readonly namespace?: string;
  readonly listener?: string;
}

/** A CiliumEnvoyConfig or a CiliumClusterwideEnvoyConfig. @see cilium:pkg/k8s/apis/cilium.io/v2/cec_types.go#CiliumEnvoyConfigSpec */
export interface CiliumEnvoyConfig extends KubeObject {
  readonly spec: {
    readonly services?: readonly EnvoyConfigService[];
    readonly backendServices?: readonly (Omit<EnvoyConfigService, 'listener'> & { readonly number?: readonly string[] })[];
    /** Messages with their `@type`. */
    readonly resources?: readonly unknown[];
  };
}

/** Where an Ingress sends requests. @see kubernetes:staging/src/k8s.io/api/networking/v1/types.go#IngressBackend */
export interface IngressBackend {
  readonly service?: { readonly name: string; readonly port?: { readonly name?: string; readonly number?: number } };
  readonly resource?: unknown;
}

/** A path of an Ingress. */
export interface HttpIngressPath {
  readonly path?: string;
  readonly pathType: 'Exact' | 'Prefix' | 'ImplementationSpecific';
  readonly backend: IngressBackend;
}

/** An Ingress. @see kubernetes:staging/src/k8s.io/api/networking/v1/types.go#Ingress */
export interface Ingress extends KubeObject {
  readonly spec: {
    readonly ingressClassName?: string;
    readonly defaultBackend?: IngressBackend;
    readonly tls?: readonly { readonly hosts?: readonly string[]; readonly secretName?: string }[];
    readonly rules?: readonly { readonly host?: string; readonly http?: { readonly paths: readonly HttpIngressPath[] } }[];
  };
  readonly status?: { readonly loadBalancer?: unknown };
}

/** A CiliumEndpoint: the agent's view of a pod, for users. @see cilium:pkg/k8s/apis/cilium.io/v2/types.go#CiliumEndpoint */
export interface CiliumEndpoint extends KubeObject {
  readonly status?: {
    readonly id?: number;
    readonly identity?: { readonly id: number; readonly labels: readonly string[] };
    readonly networking?: { readonly addressing: readonly { readonly ipv4?: string; readonly ipv6?: string }[]; readonly node?: string };
    readonly policy?: {
      readonly ingress: { readonly enforcing: boolean; readonly state?: string };
      readonly egress: { readonly enforcing: boolean; readonly state?: string };
    };
    readonly 'visibility-policy-status'?: string;
    readonly state?: string;
    readonly [member: string]: unknown;
  };
}
