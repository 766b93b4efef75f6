/**
 * The agent's options by their own names, with the values Helm gives them in 1.13.
 * @see cilium:pkg/option/config.go
 * @see cilium:install/kubernetes/cilium/values.yaml
 */
import { nearest } from '../../net/nearest_word.ts';

/** Options the model knows, with their defaults. Times in seconds. */
export const DEFAULT_OPTIONS = {
  'cluster-name': 'default',
  'enable-policy': 'default',
  'monitor-aggregation': 'medium',
  'monitor-aggregation-interval': 5,
  'monitor-aggregation-flags': 'all',
  tunnel: 'vxlan',
  'tunnel-port': 0,
  'auto-direct-node-routes': false,
  'ipv4-native-routing-cidr': '',
  'kube-proxy-replacement': 'disabled',
  'enable-node-port': false,
  'enable-host-port': true,
  'bpf-lb-sock': false,
  'bpf-lb-sock-hostns-only': false,
  'trace-sock': true,
  'enable-session-affinity': false,
  'enable-svc-source-range-check': true,
  'enable-ipv4-masquerade': true,
  'enable-bpf-masquerade': false,
  'enable-host-firewall': false,
  'enable-k8s-terminating-endpoint': true,
  'allow-localhost': 'auto',
  'enable-remote-node-identity': true,
  'enable-l7-proxy': true,
  'enable-icmp-rules': true,
  'enable-sctp': false,
  'enable-ipv4-fragment-tracking': true,
  'bpf-fragments-map-max': 8192,
  'policy-audit-mode': false,
  'enable-endpoint-routes': false,
  'enable-xt-socket-fallback': true,
  'http-normalize-path': true,
  'http-403-msg': '',
  'http-request-timeout': 3600,
  'http-retry-count': 3,
  'http-retry-timeout': 0,
  'http-idle-timeout': 0,
  'http-max-grpc-timeout': 0,
  'proxy-connect-timeout': 1,
  'enable-envoy-config': false,
  'envoy-config-timeout': 120,
  /** Of the operator, as are the next ones. */
  'enable-ingress-controller': false,
  'enforce-ingress-https': true,
  'enable-ingress-secrets-sync': true,
  'ingress-secrets-namespace': 'cilium-secrets',
  'ingress-lb-annotation-prefixes': 'service.beta.kubernetes.io service.kubernetes.io cloud.google.com',
  'ingress-shared-lb-service-name': 'cilium-ingress',
  'ingress-default-lb-mode': 'dedicated',
  'bpf-policy-map-max': 16384,
  'bpf-ct-global-tcp-max': 524288,
  'bpf-ct-global-any-max': 262144,
  'bpf-nat-global-max': 524288,
  'bpf-ct-timeout-regular-tcp': 21600,
  'bpf-ct-timeout-regular-any': 60,
  'bpf-ct-timeout-service-tcp': 21600,
  'bpf-ct-timeout-service-any': 60,
  'bpf-ct-timeout-service-tcp-grace': 60,
  'bpf-ct-timeout-regular-tcp-syn': 60,
  'bpf-ct-timeout-regular-tcp-fin': 10,
  'identity-change-grace-period': 5,
  'tofqdns-proxy-port': 0,
  'tofqdns-min-ttl': 3600,
  'tofqdns-endpoint-max-ip-per-hostname': 50,
  'tofqdns-max-deferred-connection-deletes': 10000,
  /** Milliseconds. */
  'tofqdns-proxy-response-max-delay': 100,
  'tofqdns-dns-reject-response-code': 'refused',
  'enable-endpoint-status': false,
  'hubble-event-buffer-capacity': 4095,
  /** Ours: which release's datapath; `1.13.3` or `branch-point`. */
  profile: '1.13.3',
} as const;

type Widen<T> = T extends string ? string : T extends number ? number : T extends boolean ? boolean : never;

/** All options with values. */
export type DaemonOptions = { readonly [K in keyof typeof DEFAULT_OPTIONS]: Widen<(typeof DEFAULT_OPTIONS)[K]> };

/** Something wrong with an option. */
export interface OptionIssue {
  readonly option: string;
  readonly message: string;
}

/** Closed sets of values. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  'enable-policy': ['default', 'always', 'never'],
  'monitor-aggregation': ['none', 'lowest', 'low', 'medium', 'maximum'],
  tunnel: ['vxlan', 'geneve', 'disabled'],
  'kube-proxy-replacement': ['disabled', 'partial', 'strict'],
  'allow-localhost': ['auto', 'always', 'policy'],
  'tofqdns-dns-reject-response-code': ['refused', 'nameError'],
  'ingress-default-lb-mode': ['dedicated', 'shared'],
  profile: ['1.13.3', 'branch-point'],
};

/** Values that Cilium takes and the model does not follow: better refused than silently different. */
const NOT_MODELLED: Readonly<Record<string, readonly (string | boolean)[]>> = {};

/** Reads options; what is not given has its default. */
export function parseOptions(given: Readonly<Record<string, string | number | boolean>>): {
  readonly options: DaemonOptions;
  readonly issues: readonly OptionIssue[];
} {
  const values: Record<string, string | number | boolean> = { ...DEFAULT_OPTIONS };
  const issues: OptionIssue[] = [];
  for (const [option, value] of Object.entries(given)) {
    const fallback = values[option];
    if (fallback === undefined || !Object.hasOwn(DEFAULT_OPTIONS, option)) {
      issues.push({ option, message: `unknown option ${option}${suggestion(option)}` });
      continue;
    }
    const message = check(option, fallback, value);
    if (message === null) {
      values[option] = value;
    } else {
      issues.push({ option, message });
    }
  }
  // As Helm does: the ingress controller is of no use without.
  values['enable-envoy-config'] ||= values['enable-ingress-controller'] === true && given['enable-envoy-config'] === undefined;
  return { options: values as unknown as DaemonOptions, issues };
}

function check(option: string, fallback: string | number | boolean, value: string | number | boolean): string | null {
  if (typeof value !== typeof fallback) {
    return `${option} takes a ${typeof fallback}, not ${JSON.stringify(value)}`;
  }
  if (typeof value === 'number' && (!Number.isInteger(value) || value < 0)) {
    return `${option} takes a whole number, not ${value}`;
  }
  if (option === 'hubble-event-buffer-capacity' && !isRingCapacity(Number(value))) {
    return `${option} takes one less than a power of two, up to 65535 (1, 3, 7, ..., 4095, ...), not ${value}`;
  }
  const choices = CHOICES[option];
  if (choices !== undefined && !choices.includes(String(value))) {
    return `${option} takes one of ${choices.join(', ')}, not ${JSON.stringify(value)}`;
  }
  return NOT_MODELLED[option]?.includes(value as string) === true ? `${option}=${String(value)} is not modelled` : null;
}

/** @see cilium:pkg/hubble/container/ring.go#NewCapacity */
function isRingCapacity(value: number): boolean {
  return value > 0 && value <= 65535 && (value & (value + 1)) === 0;
}

function suggestion(option: string): string {
  const best = nearest(option, Object.keys(DEFAULT_OPTIONS));
  return best === null ? '' : `; did you mean ${best}?`;
}

/** The level a name of monitor aggregation stands for. @see cilium:pkg/option/monitor.go#ParseMonitorAggregationLevel */
export function monitorAggregationLevel(name: string): number {
  return ['none', 'lowest', 'low', 'medium', 'maximum'].indexOf(name);
}
