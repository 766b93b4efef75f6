/**
 * What the API server would refuse: kinds, names, members that do not exist, values of the wrong type. Only kinds the model reads are known.
 * The agent's own checks of policies come later, in agent/policy/api.
 * @see kubernetes:pkg/apis/core/validation/validation.go
 */
import { nearest } from '../net/nearest_word.ts';
import { ingressIssues } from './ingress_validation.ts';
import type { Ingress } from './objects.ts';

/** Reports an issue at a path inside the object. */
export type Report = (code: string, path: readonly (string | number)[], message: string) => void;

/** The type of a value: a primitive, a list, a map of anything, an object with named members, or anything. */
type Shape =
  | 'string'
  | 'number'
  | 'boolean'
  | 'scalar'
  | 'any'
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly members: Readonly<Record<string, Shape>>; readonly required?: readonly string[]; readonly open?: boolean };

const STRINGS: Shape = { map: 'string' };
const SELECTOR: Shape = {
  members: {
    matchLabels: STRINGS,
    matchExpressions: {
      list: { members: { key: 'string', operator: 'string', values: { list: 'string' } }, required: ['key', 'operator'] },
    },
  },
};
const METADATA: Shape = {
  members: {
    name: 'string',
    generateName: 'string',
    namespace: 'string',
    labels: STRINGS,
    annotations: STRINGS,
    uid: 'string',
    resourceVersion: 'string',
    generation: 'number',
    creationTimestamp: 'any',
    deletionTimestamp: 'any',
    deletionGracePeriodSeconds: 'number',
    ownerReferences: { list: 'any' },
    finalizers: { list: 'string' },
    managedFields: { list: 'any' },
    selfLink: 'string',
  },
};
const CONTAINER: Shape = {
  members: {
    name: 'string',
    image: 'string',
    command: { list: 'string' },
    args: { list: 'string' },
    env: { list: { members: { name: 'string', value: 'string', valueFrom: 'any' }, required: ['name'] } },
    ports: {
      list: {
        members: { name: 'string', containerPort: 'number', hostPort: 'number', hostIP: 'string', protocol: 'string' },
        required: ['containerPort'],
      },
    },
  },
  required: ['name'],
  open: true,
};
const POD_SPEC: Shape = {
  members: {
    containers: { list: CONTAINER },
    nodeName: 'string',
    hostNetwork: 'boolean',
    serviceAccountName: 'string',
    hostname: 'string',
    nodeSelector: STRINGS,
  },
  required: ['containers'],
  open: true,
};
const TEMPLATE: Shape = { members: { metadata: METADATA, spec: POD_SPEC }, required: ['spec'] };
const WORKLOAD_SPEC: Shape = {
  members: { replicas: 'number', selector: SELECTOR, template: TEMPLATE },
  required: ['selector', 'template'],
  open: true,
};
const SERVICE_SPEC: Shape = {
  members: {
    type: 'string',
    clusterIP: 'string',
    clusterIPs: { list: 'string' },
    selector: STRINGS,
    ports: {
      list: {
        members: { name: 'string', port: 'number', protocol: 'string', targetPort: 'scalar', nodePort: 'number', appProtocol: 'string' },
        required: ['port'],
      },
    },
    sessionAffinity: 'string',
    sessionAffinityConfig: 'any',
    externalIPs: { list: 'string' },
    externalName: 'string',
    externalTrafficPolicy: 'string',
    internalTrafficPolicy: 'string',
    ipFamilies: { list: 'string' },
    ipFamilyPolicy: 'string',
    loadBalancerIP: 'string',
    loadBalancerClass: 'string',
    loadBalancerSourceRanges: { list: 'string' },
    allocateLoadBalancerNodePorts: 'boolean',
    healthCheckNodePort: 'number',
    publishNotReadyAddresses: 'boolean',
  },
};
const ADDRESSES: Shape = {
  list: { members: { ip: 'string', hostname: 'string', nodeName: 'string', targetRef: 'any' }, required: ['ip'] },
};
const SUBSETS: Shape = {
  list: {
    members: {
      addresses: ADDRESSES,
      notReadyAddresses: ADDRESSES,
      ports: { list: { members: { name: 'string', port: 'number', protocol: 'string', appProtocol: 'string' }, required: ['port'] } },
    },
  },
};

const PEERS: Shape = { list: SELECTOR };
const PORTS: Shape = { list: { members: { port: 'scalar', protocol: 'string' } } };
/** A deny has no L7. @see cilium:pkg/policy/api/l4.go#PortDenyRule */
const PORT_DENY_RULES: Shape = { list: { members: { ports: PORTS } } };
const PORT_RULES: Shape = {
  list: {
    members: {
      ports: PORTS,
      rules: {
        members: {
          http: {
            list: {
              members: { path: 'string', method: 'string', host: 'string', headers: { list: 'string' }, headerMatches: { list: 'any' } },
            },
          },
          dns: { list: { members: { matchName: 'string', matchPattern: 'string' } } },
          kafka: { list: 'any' },
          l7proto: 'string',
          l7: { list: 'any' },
        },
      },
      terminatingTLS: 'any',
      originatingTLS: 'any',
      serverNames: { list: 'string' },
    },
  },
};
const ICMPS: Shape = { list: { members: { fields: { list: { members: { family: 'string', type: 'number' } } } } } };
const CIDR_SET: Shape = { list: { members: { cidr: 'string', except: { list: 'string' } } } };
const STRING_LIST: Shape = { list: 'string' };
const FROM: Readonly<Record<string, Shape>> = {
  fromEndpoints: PEERS,
  fromRequires: PEERS,
  fromCIDR: STRING_LIST,
  fromCIDRSet: CIDR_SET,
  fromEntities: STRING_LIST,
  icmps: ICMPS,
};
const TO: Readonly<Record<string, Shape>> = {
  toEndpoints: PEERS,
  toRequires: PEERS,
  toCIDR: STRING_LIST,
  toCIDRSet: CIDR_SET,
  toEntities: STRING_LIST,
  toServices: { list: 'any' },
  toGroups: { list: 'any' },
  icmps: ICMPS,
};
const AUTH: Shape = { members: { type: 'string' } };
const FQDNS: Shape = { list: { members: { matchName: 'string', matchPattern: 'string' } } };
const RULE: Shape = {
  members: {
    endpointSelector: SELECTOR,
    nodeSelector: SELECTOR,
    ingress: { list: { members: { ...FROM, toPorts: PORT_RULES, auth: AUTH } } },
    ingressDeny: { list: { members: { ...FROM, toPorts: PORT_DENY_RULES } } },
    egress: { list: { members: { ...TO, toFQDNs: FQDNS, toPorts: PORT_RULES, auth: AUTH } } },
    egressDeny: { list: { members: { ...TO, toPorts: PORT_DENY_RULES } } },
    labels: { list: 'any' },
    description: 'string',
  },
};

const ENVOY_CONFIG_SPEC: Shape = {
  members: {
    services: { list: { members: { name: 'string', namespace: 'string', listener: 'string' }, required: ['name'] } },
    backendServices: { list: { members: { name: 'string', namespace: 'string', number: STRING_LIST }, required: ['name'] } },
    // The agent looks into them.
    resources: { list: { map: 'any' } },
  },
  required: ['resources'],
};
const INGRESS_BACKEND: Shape = {
  members: {
    service: { members: { name: 'string', port: { members: { name: 'string', number: 'number' } } }, required: ['name'] },
    resource: 'any',
  },
};
const INGRESS_SPEC: Shape = {
  members: {
    ingressClassName: 'string',
    defaultBackend: INGRESS_BACKEND,
    tls: { list: { members: { hosts: STRING_LIST, secretName: 'string' } } },
    rules: {
      list: {
        members: {
          host: 'string',
          http: {
            members: {
              paths: {
                list: { members: { path: 'string', pathType: 'string', backend: INGRESS_BACKEND }, required: ['pathType', 'backend'] },
              },
            },
            required: ['paths'],
          },
        },
      },
    },
  },
};

interface Kind {
  readonly apiVersions: readonly string[];
  readonly members: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
}

/** Kinds the model reads. */
const KINDS: Readonly<Record<string, Kind>> = {
  Namespace: { apiVersions: ['v1'], members: { spec: 'any', status: 'any' } },
  Node: { apiVersions: ['v1'], members: { spec: 'any', status: 'any' } },
  Pod: { apiVersions: ['v1'], members: { spec: POD_SPEC, status: 'any' } },
  Service: { apiVersions: ['v1'], members: { spec: SERVICE_SPEC, status: 'any' } },
  Endpoints: { apiVersions: ['v1'], members: { subsets: SUBSETS } },
  ServiceAccount: { apiVersions: ['v1'], members: { secrets: 'any', imagePullSecrets: 'any', automountServiceAccountToken: 'boolean' } },
  ConfigMap: { apiVersions: ['v1'], members: { data: STRINGS, binaryData: STRINGS, immutable: 'boolean' } },
  Secret: { apiVersions: ['v1'], members: { data: STRINGS, stringData: STRINGS, type: 'string', immutable: 'boolean' } },
  Deployment: { apiVersions: ['apps/v1'], members: { spec: WORKLOAD_SPEC, status: 'any' } },
  ReplicaSet: { apiVersions: ['apps/v1'], members: { spec: WORKLOAD_SPEC, status: 'any' } },
  NetworkPolicy: { apiVersions: ['networking.k8s.io/v1'], members: { spec: 'any', status: 'any' } },
  Ingress: { apiVersions: ['networking.k8s.io/v1'], members: { spec: INGRESS_SPEC, status: 'any' }, required: ['spec'] },
  IngressClass: {
    apiVersions: ['networking.k8s.io/v1'],
    members: { spec: { members: { controller: 'string', parameters: 'any' } } },
  },
  CiliumEnvoyConfig: { apiVersions: ['cilium.io/v2'], members: { spec: ENVOY_CONFIG_SPEC }, required: ['spec'] },
  CiliumClusterwideEnvoyConfig: { apiVersions: ['cilium.io/v2'], members: { spec: ENVOY_CONFIG_SPEC }, required: ['spec'] },
  CiliumNetworkPolicy: { apiVersions: ['cilium.io/v2'], members: { spec: RULE, specs: { list: RULE }, status: 'any' } },
  CiliumClusterwideNetworkPolicy: { apiVersions: ['cilium.io/v2'], members: { spec: RULE, specs: { list: RULE }, status: 'any' } },
};

/** Checks an object and reports what is wrong. */
export function schemaIssues(object: Readonly<Record<string, unknown>>, report: Report): void {
  const { kind, apiVersion } = object;
  if (typeof kind !== 'string' || kind === '') {
    report('kind', kind === undefined ? [] : ['kind'], 'the object has no kind');
    return;
  }
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (known === undefined) {
    report(
      'kind',
      ['kind'],
      `no model of kind ${JSON.stringify(kind)}${suggest(kind, Object.keys(KINDS))}; known are ${Object.keys(KINDS).join(', ')}`,
    );
    return;
  }
  if (typeof apiVersion !== 'string' || !known.apiVersions.includes(apiVersion)) {
    report(
      'api-version',
      apiVersion === undefined ? [] : ['apiVersion'],
      `${kind} has apiVersion ${known.apiVersions.join(' or ')}, not ${apiVersion === undefined ? 'none' : JSON.stringify(apiVersion)}`,
    );
  }
  let issues = 0;
  check(
    object,
    {
      members: { apiVersion: 'string', kind: 'string', metadata: METADATA, ...known.members },
      required: ['metadata', ...(known.required ?? [])],
    },
    [],
    (...issue) => {
      issues += 1;
      report(...issue);
    },
  );
  checkNames(object, report);
  if (kind === 'Ingress' && issues === 0) {
    ingressIssues(object as unknown as Ingress, report);
  }
}

function checkNames(object: Readonly<Record<string, unknown>>, report: Report): void {
  const metadata = object['metadata'];
  if (!isObject(metadata)) {
    return;
  }
  const { name, namespace } = metadata;
  if (name === undefined || name === '' || name === null) {
    report('name', ['metadata'], 'the object has no metadata.name');
  } else if (typeof name === 'string' && !isDnsName(name)) {
    report(
      'name',
      ['metadata', 'name'],
      `${JSON.stringify(name)} is no name: lower case letters, digits, '-' and '.', beginning and ending with a letter or digit`,
    );
  }
  if (typeof namespace === 'string' && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace)) {
    report('namespace', ['metadata', 'namespace'], `${JSON.stringify(namespace)} is no namespace name`);
  }
}

/** @see kubernetes:staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go#IsDNS1123Subdomain */
function isDnsName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);
}

function check(value: unknown, shape: Shape, path: readonly (string | number)[], report: Report): void {
  if (value === null || value === undefined || shape === 'any') {
    return;
  }
  if (typeof shape === 'string') {
    checkScalar(value, shape, path, report);
  } else if ('list' in shape) {
    if (Array.isArray(value)) {
      value.forEach((item, index) => {
        check(item, shape.list, [...path, index], report);
      });
    } else {
      report('type', path, `${nameOf(path)} must be a list, not ${typeName(value)}`);
    }
  } else if (!isObject(value)) {
    report('type', path, `${nameOf(path)} must be a map, not ${typeName(value)}`);
  } else if ('map' in shape) {
    for (const [key, item] of Object.entries(value)) {
      check(item, shape.map, [...path, key], report);
    }
  } else {
    checkMembers(value, shape, path, report);
  }
}

function checkMembers(
  value: Readonly<Record<string, unknown>>,
  shape: Extract<Shape, { readonly members: unknown }>,
  path: readonly (string | number)[],
  report: Report,
): void {
  for (const [key, item] of Object.entries(value)) {
    const member = Object.hasOwn(shape.members, key) ? shape.members[key] : undefined;
    if (member !== undefined) {
      check(item, member, [...path, key], report);
    } else if (shape.open !== true) {
      report('unknown-field', [...path, key], `unknown field "${[...path, key].join('.')}"${suggest(key, Object.keys(shape.members))}`);
    }
  }
  for (const key of shape.required ?? []) {
    if (value[key] === undefined || value[key] === null) {
      report('required', path, `${path.length === 0 ? 'the object' : nameOf(path)} has no ${key}`);
    }
  }
}

function checkScalar(
  value: unknown,
  shape: 'string' | 'number' | 'boolean' | 'scalar',
  path: readonly (string | number)[],
  report: Report,
): void {
  const fits = shape === 'scalar' ? typeof value === 'string' || typeof value === 'number' : typeof value === shape;
  if (!fits) {
    const wanted = { string: 'a text', number: 'a number', boolean: 'true or false', scalar: 'a text or a number' }[shape];
    const hint = shape === 'string' && (typeof value === 'number' || typeof value === 'boolean') ? '; write it in quotes' : '';
    report('type', path, `${nameOf(path)} must be ${wanted}, not ${typeName(value)}${hint}`);
  }
}

function nameOf(path: readonly (string | number)[]): string {
  const last = path.at(-1);
  return typeof last === 'number' ? `an element of ${String(path.at(-2) ?? 'the list')}` : String(last ?? 'the object');
}

function typeName(value: unknown): string {
  return Array.isArray(value) ? 'a list' : isObject(value) ? 'a map' : JSON.stringify(value);
}

/** The nearest known word, if one is near. */
function suggest(word: string, known: readonly string[]): string {
  const best = nearest(word, known);
  return best === null ? '' : `; did you mean ${best}?`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
