/**
 * The agent's configuration as its API shows it.
 * @see cilium:daemon/cmd/config.go#getConfig.Handle
 * @remarks Simplified: of the read-only members those whose options the model knows.
 */
import type { DaemonOptions } from '../option/config.ts';
import { endpointOptions } from './endpoint_model.ts';

/** Members of the configuration structure by option. @see cilium:pkg/option/config.go#DaemonConfig */
const MEMBERS = {
  'cluster-name': 'ClusterName',
  'monitor-aggregation': 'MonitorAggregation',
  tunnel: 'Tunnel',
  'kube-proxy-replacement': 'KubeProxyReplacement',
  'allow-localhost': 'AllowLocalhost',
  'enable-remote-node-identity': 'EnableRemoteNodeIdentity',
  'enable-l7-proxy': 'EnableL7Proxy',
  'enable-icmp-rules': 'EnableICMPRules',
  'policy-audit-mode': 'PolicyAuditMode',
  'enable-endpoint-routes': 'EnableEndpointRoutes',
  'enable-xt-socket-fallback': 'EnableXTSocketFallback',
  'http-normalize-path': 'HTTPNormalizePath',
  'http-403-msg': 'HTTP403Message',
  'http-request-timeout': 'HTTPRequestTimeout',
  'http-retry-count': 'HTTPRetryCount',
  'http-retry-timeout': 'HTTPRetryTimeout',
  'http-idle-timeout': 'HTTPIdleTimeout',
  'http-max-grpc-timeout': 'HTTPMaxGRPCTimeout',
  'proxy-connect-timeout': 'ProxyConnectTimeout',
  'bpf-policy-map-max': 'PolicyMapEntries',
  'bpf-ct-global-tcp-max': 'CTMapEntriesGlobalTCP',
  'bpf-ct-global-any-max': 'CTMapEntriesGlobalAny',
  'tofqdns-proxy-port': 'ToFQDNsProxyPort',
  'tofqdns-min-ttl': 'ToFQDNsMinTTL',
  'tofqdns-endpoint-max-ip-per-hostname': 'ToFQDNsMaxIPsPerHost',
  'tofqdns-max-deferred-connection-deletes': 'ToFQDNsMaxDeferredConnectionDeletes',
  'tofqdns-dns-reject-response-code': 'FQDNRejectResponse',
  'enable-endpoint-status': 'EndpointStatus',
  'hubble-event-buffer-capacity': 'HubbleEventBufferCapacity',
} as const satisfies Partial<Record<keyof DaemonOptions, string>>;

/** Options whose values are durations in seconds: Go's JSON counts nanoseconds. */
const SECONDS: Readonly<Record<string, string>> = {
  'bpf-ct-timeout-regular-tcp': 'CTMapEntriesTimeoutTCP',
  'bpf-ct-timeout-regular-any': 'CTMapEntriesTimeoutAny',
  'bpf-ct-timeout-service-tcp': 'CTMapEntriesTimeoutSVCTCP',
  'bpf-ct-timeout-service-any': 'CTMapEntriesTimeoutSVCAny',
  'bpf-ct-timeout-service-tcp-grace': 'CTMapEntriesTimeoutSVCTCPGrace',
  'bpf-ct-timeout-regular-tcp-syn': 'CTMapEntriesTimeoutSYN',
  'bpf-ct-timeout-regular-tcp-fin': 'CTMapEntriesTimeoutFIN',
  'identity-change-grace-period': 'IdentityChangeGracePeriod',
  'monitor-aggregation-interval': 'MonitorAggregationInterval',
};

/** The model. */
export function configModel(options: DaemonOptions) {
  const readOnly: Record<string, unknown> = {};
  for (const [option, member] of Object.entries(MEMBERS)) {
    readOnly[member] = options[option as keyof DaemonOptions];
  }
  for (const [option, member] of Object.entries(SECONDS)) {
    readOnly[member] = Number(options[option as keyof DaemonOptions]) * 1_000_000_000;
  }
  return {
    options: endpointOptions(options),
    policyEnforcement: options['enable-policy'],
    monitorNumPages: 64,
    readOnly,
    k8sConfiguration: '',
    k8sEndpoint: '',
  };
}
