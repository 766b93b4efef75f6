/**
 * What the API server fills in where the user says nothing.
 * @see kubernetes:pkg/apis/core/v1/defaults.go
 * @remarks Simplified: pods and services only; the templates of workloads stay as they are written.
 */
import type { Container, Pod, Service } from './objects.ts';

const TOLERATION_SECONDS = 300;

/** A pod with defaults. */
export function defaultPod(pod: Pod): Pod {
  const { spec } = pod;
  const account = spec.serviceAccountName ?? 'default';
  return {
    ...pod,
    spec: {
      dnsPolicy: 'ClusterFirst',
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
      priority: 0,
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      securityContext: {},
      terminationGracePeriodSeconds: 30,
      tolerations: ['not-ready', 'unreachable'].map((key) => ({
        effect: 'NoExecute',
        key: `node.kubernetes.io/${key}`,
        operator: 'Exists',
        tolerationSeconds: TOLERATION_SECONDS,
      })),
      ...spec,
      serviceAccount: account,
      serviceAccountName: account,
      containers: spec.containers.map(defaultContainer),
    },
  };
}

function defaultContainer(container: Container): Container {
  const { image = '', ports } = container;
  const tag = /:([^/]*)$/.exec(image.replace(/@.*$/, ''))?.[1];
  return {
    imagePullPolicy: (tag === undefined || tag === 'latest') && !image.includes('@') ? 'Always' : 'IfNotPresent',
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    ...container,
    ...(ports === undefined ? {} : { ports: ports.map((port) => ({ protocol: 'TCP', ...port })) }),
  };
}

/** A service with defaults. */
export function defaultService(service: Service): Service {
  const { spec } = service;
  const outside = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  return {
    ...service,
    spec: {
      sessionAffinity: 'None',
      ...(spec.type === 'ExternalName' ? {} : { internalTrafficPolicy: 'Cluster', ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }),
      ...(outside ? { externalTrafficPolicy: 'Cluster' } : {}),
      ...spec,
      type: spec.type ?? 'ClusterIP',
      ...(spec.ports === undefined ? {} : { ports: spec.ports.map((port) => ({ protocol: 'TCP', targetPort: port.port, ...port })) }),
    },
    status: service['status'] ?? { loadBalancer: {} },
  };
}
