/** The options that policy looks at. @see cilium:pkg/option/config.go#DaemonConfig */
import type { DaemonOptions } from '../option/config.ts';
import { DEFAULT_POLICY_CONFIG, type PolicyConfig, type PolicyQuirks, RELEASED_QUIRKS } from '../policy/config.ts';

/** The policy engine's configuration; `quirks` are those that are not as the profile has them. */
export function policyConfigOf(options: DaemonOptions, quirks: Partial<PolicyQuirks>): PolicyConfig {
  return {
    ...DEFAULT_POLICY_CONFIG,
    enforcement: options['enable-policy'] as PolicyConfig['enforcement'],
    allowLocalhost: options['allow-localhost'] === 'policy' ? 'policy' : 'always',
    enableRemoteNodeIdentity: options['enable-remote-node-identity'],
    enableL7Proxy: options['enable-l7-proxy'],
    enableICMPRules: options['enable-icmp-rules'],
    enableHostFirewall: options['enable-host-firewall'],
    clusterName: options['cluster-name'],
    quirks: { ...RELEASED_QUIRKS, serverNamesAloneNotRedirected: options.profile === 'branch-point', ...quirks },
  };
}
