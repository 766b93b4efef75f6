import { describe, expect, it } from 'vitest';
import { getNetworkPolicy } from '../../../src/agent/envoy/network_policy.ts';
import { addVisibilityKeys, parseVisibility, type VisibilityMetadata, visibilityPolicy } from '../../../src/agent/policy/visibility.ts';
import { cnp, intended, newWorld, PROXY_PORT, rows } from './support.ts';

const META: VisibilityMetadata = { parser: 'http', port: 80, protocol: 'TCP', ingress: true };
const API = [{ matchLabels: { app: 'api' } }];
const DB = [{ matchLabels: { app: 'db' } }];

describe('annotations of a pod', () => {
  it('are read by their name, and by the older one where that is missing', () => {
    const older = { 'io.cilium.proxy-visibility': '<Egress/53/UDP/DNS>' };
    expect(visibilityPolicy(undefined)).toBeNull();
    expect(visibilityPolicy({ 'policy.cilium.io/proxy-visibility': '' })).toBeNull();
    expect(visibilityPolicy(older)?.ports.map(({ port }) => port)).toEqual([53]);
    const both = { ...older, 'policy.cilium.io/proxy-visibility': '<Ingress/80/TCP/HTTP>' };
    expect(visibilityPolicy(both)?.ports.map(({ port }) => port)).toEqual([80]);
  });

  it('that cannot be read watch nothing and say why', () => {
    const policy = visibilityPolicy({ 'policy.cilium.io/proxy-visibility': 'Ingress/80/TCP/HTTP' });
    expect(policy?.ports).toEqual([]);
    expect(policy?.error).toBe(
      'annotation for proxy visibility did not match expected format ^((<(Ingress|Egress)/([1-9][0-9]{1,5})/(TCP|UDP|SCTP|ANY)/([A-Za-z]{3,32})>)(,(<(Ingress|Egress)/([1-9][0-9]{1,5})/(TCP|UDP|SCTP|ANY)/([A-Za-z]{3,32})>))*)$',
    );
  });
});

describe('the annotation', () => {
  it('names ports', () => {
    expect(parseVisibility('<Ingress/80/TCP/HTTP>,<Egress/53/ANY/DNS>')).toEqual({
      ok: true,
      ports: [META, ...['TCP', 'UDP', 'SCTP'].map((protocol) => ({ parser: 'dns', port: 53, protocol, ingress: false }))],
    });
  });

  it.each([
    '',
    '<Ingress/8/TCP/HTTP>',
    '<Ingress/80/TCP/HTTP>,',
    '<ingress/80/TCP/HTTP>',
    '<Ingress/53/UDP/DNS>',
    '<Ingress/99999/TCP/HTTP>',
    '<Ingress/80/TCP/FOO>',
    '<Ingress/80/TCP/HTTP>,<Ingress/80/TCP/KAFKA>',
  ])('%j is refused', (text) => {
    expect(parseVisibility(text).ok).toBe(false);
  });
});

describe('visibility keys', () => {
  it('stand beside "everything" with the denies repeated', () => {
    const world = newWorld();
    world.apply(cnp('p', { ingress: [{ fromEntities: ['all'] }], ingressDeny: [{ fromEndpoints: API }] }));
    const { mapState } = intended(world);
    addVisibilityKeys(mapState, META, PROXY_PORT);
    expect(rows(mapState).filter((text) => text.includes(':80/'))).toEqual(['ingress 0:80/6 redirect', 'ingress 1002:80/6 deny']);
  });

  it('turn allows of the port into redirects and extend allows of all ports', () => {
    const world = newWorld();
    const port = (protocol: string): object[] => [{ ports: [{ port: '80', protocol }] }];
    world.apply(cnp('p', { ingress: [{ fromEndpoints: API }, { fromEndpoints: DB, toPorts: port('TCP') }] }));
    const { mapState } = intended(world);
    addVisibilityKeys(mapState, META, PROXY_PORT);
    expect(rows(mapState).filter((text) => text.includes(':80/'))).toEqual([
      'ingress 1002:80/6 redirect',
      'ingress 1003:80/6 redirect',
      'ingress 1:80/6 redirect',
    ]);
  });

  it('can be taken back', () => {
    const world = newWorld();
    world.apply(cnp('p', { ingress: [{ fromEndpoints: API }], ingressDeny: [{ fromEndpoints: DB }] }));
    const { mapState } = intended(world);
    const before = rows(mapState);
    mapState.undoable(() => addVisibilityKeys(mapState, META, PROXY_PORT))();
    expect(rows(mapState)).toEqual(before);
  });

  it('name parsers of proxylib to the proxy where nothing is enforced', () => {
    const visibility: VisibilityMetadata[] = [{ ...META, parser: 'kafka', port: 9092 }, META];
    const message = getNetworkPolicy(newWorld().policy(), { endpointId: 1, ips: [], conntrackMapName: '', namedPort: () => 0, visibility });
    expect(message.ingress_per_port_policies).toEqual([{}, { port: 9092, rules: [{ l7_proto: 'kafka' }] }]);
    expect(message.egress_per_port_policies).toEqual([{}]);
  });
});
