import { describe, expect, it } from 'vitest';
import { clusterHost } from '../../../src/scenario/cluster_host.ts';
import { runCommand } from '../../../src/shell/run_command.ts';
import { newTestCluster } from '../../support/test_cluster.ts';

const POD = `
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: c, image: docker.io/tgraf/netperf}]}
`;
const WORLD = [{ name: 'far.example', names: [], ips: ['198.51.100.7'], servers: [], podRoutes: false }];

describe('the agent tells of the features its options switch on', () => {
  const full = newTestCluster([POD], {
    world: WORLD,
    options: { 'kube-proxy-replacement': 'strict', 'enable-bpf-masquerade': true, 'enable-host-firewall': true, tunnel: 'disabled' },
  });
  const say = (line: string): string => runCommand(clusterHost(full.cluster), line, null).stdout;
  const { ip } = full.node;

  it('in its status', () => {
    const status = say('cilium status --verbose').replace(/ +/g, ' ');
    expect(status).toContain(`KubeProxyReplacement: Strict [eth0 ${ip} (Direct Routing)]`);
    expect(status).toContain('Host firewall: Enabled [eth0]');
    expect(status).toContain('Masquerading: BPF [eth0] 10.0.0.0/24 [IPv4: Enabled, IPv6: Disabled]');
    for (const line of ['Status: Strict', 'Socket LB: Enabled', 'Mode: SNAT', 'Backend Selection: Random', 'Session Affinity: Enabled']) {
      expect(status).toContain(line);
    }
    expect(status).toContain('- NodePort: Enabled (Range: 30000-32767)');
  });

  it('and lists what it translates', () => {
    full.run('default', 'client', 'ping', '-c', '1', '198.51.100.7');
    const list = say('cilium bpf nat list');
    expect(list).toMatch(/^ICMP OUT 10\.0\.0\.\d+:\d+ -> 198\.51\.100\.7:0 XLATE_SRC [\d.]+:\d+ Created=\d+sec HostLocal=0$/m);
    expect(list).toMatch(/^ICMP IN 198\.51\.100\.7:0 -> [\d.]+:\d+ XLATE_DST 10\.0\.0\.\d+:\d+ Created=\d+sec HostLocal=0$/m);
  });

  it('by default only kube-proxy and iptables', () => {
    const plain = newTestCluster();
    const status = runCommand(clusterHost(plain.cluster), 'cilium status', null).stdout;
    expect(status).toMatch(/Masquerading: +IPTables \[IPv4: Enabled, IPv6: Disabled\]/);
    expect(status).toMatch(/KubeProxyReplacement: +Disabled/);
  });
});
