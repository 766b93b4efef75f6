import { describe, expect, it } from 'vitest';
import { newClusterIdentities } from '../../../src/agent/identity/cluster_identities.ts';
import { newCidrIdentities, reservedIdentities } from '../../../src/agent/identity/identity.ts';
import { labelText, parseLabelArray } from '../../../src/agent/labels/labels.ts';
import { type IpPrefix, parsePrefix } from '../../../src/net/prefix.ts';
import { Rng } from '../../../src/sim/rng.ts';

const prefix = (text: string): IpPrefix => parsePrefix(text) as IpPrefix;

describe('reserved identities', () => {
  it('have the labels of their names', () => {
    expect(reservedIdentities().map(({ id, labels }) => `${id} ${labels.map(labelText).join(' ')}`)).toEqual([
      '1 reserved:host',
      '2 reserved:world',
      '3 reserved:unmanaged',
      '4 reserved:health',
      '5 reserved:init',
      '6 reserved:remote-node',
      '7 reserved:kube-apiserver reserved:remote-node',
      '8 reserved:ingress',
    ]);
  });
});

describe('identities of prefixes', () => {
  it('are numbered in order and counted', () => {
    const cidrs = newCidrIdentities();
    expect(cidrs.allocate(prefix('10.0.0.1/8'))).toMatchObject({ isNew: true, identity: { id: 16777217 } });
    expect(cidrs.allocate(prefix('10.0.0.0/8'))).toMatchObject({ isNew: false, identity: { id: 16777217 } });
    expect(cidrs.allocate(prefix('fd00::/8')).identity.id).toBe(16777218);
    expect(cidrs.allocate(prefix('::/0')).identity.id).toBe(2);
    expect(cidrs.release(prefix('10.0.0.0/8'))).toBeNull();
    expect(cidrs.release(prefix('10.0.0.0/8'))?.id).toBe(16777217);
    expect(cidrs.lookup(prefix('10.0.0.0/8'))).toBeNull();
    expect(cidrs.list().map((one) => one.prefix)).toEqual(['fd00::/8']);
  });
});

describe('identities of the cluster', () => {
  const web = parseLabelArray(['k8s:app=web']);

  it('are one for equal labels, in any order', () => {
    const identities = newClusterIdentities(new Rng(1));
    const labels = parseLabelArray(['k8s:a=1', 'k8s:b=2']);
    const { identity, isNew } = identities.allocate(labels);
    expect(isNew).toBe(true);
    expect(identities.allocate([...labels].reverse())).toEqual({ identity, isNew: false });
    expect(identity.id).toBeGreaterThanOrEqual(256);
    expect(identities.release(identity)).toBeNull();
    expect(identities.release(identity)).toBe(identity);
    expect(identities.lookup(labels)).toBeNull();
  });

  it('can be pinned', () => {
    const identities = newClusterIdentities(new Rng(1));
    identities.pin(web, 2033);
    expect(identities.allocate(web).identity.id).toBe(2033);
    expect(() => identities.pin(web, 2033)).toThrow('taken');
  });

  it('are the same for the same seed', () => {
    const draw = (): number => newClusterIdentities(new Rng(7)).allocate(web).identity.id;
    expect(draw()).toBe(draw());
  });
});
