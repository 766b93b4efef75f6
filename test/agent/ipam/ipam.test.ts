import { describe, expect, it } from 'vitest';
import { Ipam } from '../../../src/agent/ipam/ipam.ts';
import { Cluster } from '../../../src/cluster/cluster.ts';
import { DEFAULT_CLUSTER_OPTIONS } from '../../../src/cluster/options.ts';
import { parseManifest } from '../../../src/k8s/manifest.ts';
import { parseCidr4, parseIpv4 } from '../../../src/net/ipv4.ts';
import { Rng } from '../../../src/sim/rng.ts';

const cidr = parseCidr4('10.0.0.0/28');
const address = (text: string): number => parseIpv4(text) as number;

describe('addresses of a node', () => {
  it('draws every address once, and none that is kept for somebody', () => {
    if (cidr === null) {
      throw new Error('no range');
    }
    const kept = new Set([address('10.0.0.3'), address('10.0.0.9')]);
    const ipam = new Ipam(cidr, new Rng(1), kept);
    const drawn = Array.from({ length: ipam.capacity }, (_, i) => ipam.allocate(`pod-${i}`));
    const got = drawn.filter((one) => one !== null);
    expect(got).toHaveLength(ipam.capacity - kept.size);
    expect(new Set(got).size).toBe(got.length);
    expect(got.filter((one) => kept.has(one))).toEqual([]);
    expect(ipam.allocate('who it is for', address('10.0.0.3'))).toBe(address('10.0.0.3'));
    expect(ipam.allocate('another', address('10.0.0.3'))).toBeNull();
  });

  it('a pinned pod gets its address whatever the seed draws for the router, health and CoreDNS', () => {
    const pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: nginx}]}\n';
    const options = {
      ...DEFAULT_CLUSTER_OPTIONS,
      nodes: [{ name: 'node1', ip: '192.168.1.10', podCIDR: '10.0.0.0/28' }],
      pins: { pods: { 'default/a': { ip: '10.0.0.5' } } },
    };
    for (let seed = 0; seed < 8; seed++) {
      const cluster = Cluster.create({ ...options, seed });
      for (const { object, origin } of parseManifest(pod, 'a.yaml').objects) {
        cluster.api.apply(object, origin);
      }
      cluster.settle();
      expect(cluster.nodes[0]?.kubelet.sandbox('default', 'a')?.ip).toBe('10.0.0.5');
    }
  });
});
