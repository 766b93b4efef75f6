/** The oracle of a scenario's cluster, with the options that it heeds. */
import type { ModelPod } from '../model/cluster.ts';
import { type Enforcement, Oracle, type OracleSubject } from '../oracle/oracle.ts';
import type { PathOptions } from './reach.ts';
import type { CheckSubject } from './subject.ts';

/** Who answers for names, as clusters have it where the manifests say nothing else. */
const COREDNS: ModelPod = {
  name: 'coredns',
  namespace: 'kube-system',
  labels: { 'k8s-app': 'kube-dns' },
  ports: [],
  serviceAccount: 'coredns',
};

/**
 * The oracle of some of a subject's policies.
 * @remarks Simplified: of Cilium's options those that change the meaning of policies: cluster-name, enable-policy, allow-localhost, policy-audit-mode,
 * enable-host-firewall, enable-remote-node-identity. The `labels`
 * filter is not heeded, nor `auth` (what it concerns counts as allowed), nor are switched off quirks other than `redirectOverwritesDeny`; a run with
 * packets shows where that matters.
 */
export function oracleOf({ cluster, options }: CheckSubject, policies: CheckSubject['policies']): Oracle {
  const given = options.options;
  return new Oracle(cluster, policies, {
    enforcement: String(given['enable-policy'] ?? 'default') as Enforcement,
    hostComesIn: given['allow-localhost'] !== 'policy',
    audit: isOn(given['policy-audit-mode']),
    hostFirewall: isOn(given['enable-host-firewall']),
    remoteNodeIdentity: !isOff(given['enable-remote-node-identity']),
  });
}

/** What matters on the way. */
export function pathOptionsOf({ options: { options, quirks, nodes } }: CheckSubject): PathOptions {
  const own = Object.entries(nodes[0]?.labels ?? {}).map(([key, value]) => ({ source: 'k8s', key, value }));
  const node: OracleSubject = { labels: [{ source: 'reserved', key: 'host', value: '' }, ...own], ports: [] };
  return {
    ...(isOn(options['enable-host-firewall']) ? { node } : {}),
    normalize: !isOff(options['http-normalize-path']),
    sctp: isOn(options['enable-sctp']),
    reopens: quirks?.['redirectOverwritesDeny'] !== false,
    dns: COREDNS,
  };
}

function isOn(value: string | number | boolean | undefined): boolean {
  return value !== undefined && String(value) === 'true';
}

function isOff(value: string | number | boolean | undefined): boolean {
  return value !== undefined && String(value) === 'false';
}
