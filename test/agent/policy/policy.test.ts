import { describe, expect, it } from 'vitest';
import { getNetworkPolicy, type OriginRecorder } from '../../../src/agent/envoy/network_policy.ts';
import type { RuleOrigin } from '../../../src/agent/policy/api/rule.ts';
import { INTENDED_QUIRKS, RELEASED_QUIRKS } from '../../../src/agent/policy/config.ts';
import { PolicyCache } from '../../../src/agent/policy/distillery.ts';
import { originsOfEntry, originText } from '../../../src/agent/policy/origins.ts';
import { addNewRedirects } from '../../../src/agent/policy/redirects.ts';
import { Repository } from '../../../src/agent/policy/repository.ts';
import { distillPolicy } from '../../../src/agent/policy/resolve.ts';
import { cnp, firstWrite, intended, newWorld, npds, owner, PROXY_PORT, rows } from './support.ts';

const API = [{ matchLabels: { app: 'api' } }];
const HTTP = [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{ method: 'GET' }] } }];
const REF = { kind: 'CiliumNetworkPolicy', namespace: 'default', name: 'p' } as const;

describe('redirects in two phases', () => {
  const spec = { ingress: [{ fromEndpoints: API, toPorts: HTTP }], ingressDeny: [{ fromEndpoints: API }] };

  it('reopen an L3 deny in 1.13.3', () => {
    const world = newWorld(undefined, { quirks: RELEASED_QUIRKS });
    world.apply(cnp('p', spec));
    expect(rows(firstWrite(world).mapState)).toContain('ingress 1002:80/6 redirect');
    expect(rows(firstWrite(world).mapState)).toContain('ingress 1002:0/0 deny');
  });

  it('do not where intended', () => {
    const world = newWorld();
    world.apply(cnp('p', spec));
    expect(rows(firstWrite(world).mapState)).toEqual(rows(intended(world).mapState));
    expect(rows(intended(world).mapState)).not.toContain('ingress 1002:80/6 redirect');
  });

  it.each([true, false])('can be taken back (redirectOverwritesDeny %s)', (redirectOverwritesDeny) => {
    const world = newWorld(undefined, { quirks: { ...INTENDED_QUIRKS, redirectOverwritesDeny } });
    world.apply(cnp('p', { ingress: [{ toPorts: HTTP }], ingressDeny: [{ fromEndpoints: API }] }));
    const policy = distillPolicy(world.policy(), owner(false), false);
    const before = rows(policy.mapState);
    const added = addNewRedirects(policy, 863, true, () => PROXY_PORT);
    expect([...added.ports]).toEqual([['863:ingress:TCP:80', PROXY_PORT]]);
    expect(rows(policy.mapState)).not.toEqual(before);
    added.revert();
    expect(rows(policy.mapState)).toEqual(before);
  });

  it('are not asked for where the port is denied to everyone', () => {
    const world = newWorld();
    const deny = { toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }] }] };
    world.apply(cnp('p', { ingress: [{ fromEndpoints: API, toPorts: HTTP }], ingressDeny: [deny] }));
    const policy = distillPolicy(world.policy(), owner(false), false);
    const asked: string[] = [];
    addNewRedirects(policy, 1, true, ({ proxyId }) => {
      asked.push(proxyId);
      return PROXY_PORT;
    });
    expect(asked).toEqual([]);
  });
});

describe('origins', () => {
  it('lead from a map entry to the element of the object', () => {
    const world = newWorld();
    world.apply(cnp('p', { ingress: [{ fromEntities: ['world'] }, { fromEndpoints: API, toPorts: HTTP }] }));
    const { mapState } = intended(world);
    const entry = mapState.get(1002, 80, 6, 0);
    const origins = entry === undefined ? [] : originsOfEntry(mapState, entry);
    expect(origins).toEqual([{ ref: REF, path: ['spec', 'ingress', 1, 'toPorts', 0] }]);
    expect(origins.map(originText)).toEqual(['CiliumNetworkPolicy default/p spec.ingress[1].toPorts[0]']);
  });

  it('lead from the copy of a deny to the deny', () => {
    const world = newWorld();
    world.apply(cnp('p', { ingress: [{ toPorts: HTTP }], ingressDeny: [{ fromEndpoints: API }] }));
    const { mapState } = intended(world);
    const entry = mapState.get(1002, 80, 6, 0);
    expect(entry?.isDeny).toBe(true);
    expect(entry && originsOfEntry(mapState, entry)).toEqual([{ ref: REF, path: ['spec', 'ingressDeny', 0] }]);
  });

  it('lead from an HTTP rule of the proxy to the rule of the object', () => {
    const world = newWorld();
    world.apply(cnp('p', { ingress: [{ fromEndpoints: API, toPorts: HTTP }] }));
    const recorder: OriginRecorder = new Map<object, readonly RuleOrigin[]>();
    const message = getNetworkPolicy(world.policy(), { endpointId: 1, ips: [], conntrackMapName: '', namedPort: () => 0 }, recorder);
    const rule = message.ingress_per_port_policies?.[0]?.rules?.[0]?.http_rules?.http_rules[0];
    expect(rule && recorder.get(rule)).toEqual([{ ref: REF, path: ['spec', 'ingress', 0, 'toPorts', 0, 'rules', 'http', 0] }]);
  });

  it('are all named when policies share an entry', () => {
    const world = newWorld();
    world.apply(cnp('p', { ingress: [{ fromEndpoints: API }] }));
    world.apply(cnp('q', { ingress: [{}, { fromEndpoints: API }] }));
    const { mapState } = intended(world);
    const entry = mapState.get(1002, 0, 0, 0);
    const names = entry === undefined ? [] : originsOfEntry(mapState, entry);
    expect(names.map(({ ref, path }) => `${ref.name} ${path.join('.')}`)).toEqual(['p spec.ingress.0', 'q spec.ingress.1']);
    expect(entry?.derivedFrom.length).toBe(2);
  });
});

describe('repository', () => {
  it('counts revisions', () => {
    const world = newWorld();
    expect(world.repository.revision).toBe(1);
    world.apply(cnp('p', { ingress: [{}] }));
    expect(world.repository.revision).toBe(2);
    world.apply(cnp('p', { ingress: [{}] }));
    expect(world.repository.revision).toBe(4);
    expect(world.repository.deleteByLabels([{ source: 'k8s', key: 'nobody', value: '' }]).revision).toBe(4);
  });

  it('tells whom a change concerns', () => {
    const world = newWorld();
    world.apply(cnp('p', { ingress: [{}] }));
    const rules = world.repository.allRules();
    expect(Repository.anySelects(rules, world.subject(1001))).toBe(true);
    expect(Repository.anySelects(rules, world.subject(1002))).toBe(false);
    expect(world.repository.rulesSelecting(world.subject(1001))).toEqual(rules);
  });

  it('gives selectors back when a policy is replaced', () => {
    const world = newWorld();
    const cache = new PolicyCache(world.repository);
    const identity = world.subject();
    cache.addUser(identity);
    world.apply(cnp('p', { ingress: [{ fromEndpoints: API, toPorts: HTTP }] }));
    expect(cache.updatePolicy(identity)).toMatchObject({ ok: true, updated: true });
    expect(cache.updatePolicy(identity)).toMatchObject({ ok: true, updated: false });
    const used = [...world.cache.allSelectors()].length;
    world.apply(cnp('p', { ingress: [{ fromEndpoints: API, toPorts: HTTP }] }));
    cache.updatePolicy(identity);
    expect([...world.cache.allSelectors()].length).toBe(used);
    cache.removeUser(identity);
    expect([...world.cache.allSelectors()].length).toBe(0);
  });

  it('keeps no selectors of a policy that cannot be computed', () => {
    const world = newWorld();
    const kafka = [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { kafka: [{ topic: 't' }] } }];
    world.apply(
      cnp('p', {
        ingress: [
          { fromEndpoints: API, toPorts: HTTP },
          { fromEndpoints: API, toPorts: kafka },
        ],
      }),
    );
    expect(world.repository.resolvePolicy(world.subject())).toEqual({
      ok: false,
      error: 'cannot merge conflicting L7 parsers (http/kafka)',
    });
    expect([...world.cache.allSelectors()].length).toBe(0);
  });
});

describe('the article’s policy', () => {
  it('sorts header matchers by name', () => {
    const world = newWorld();
    const rules = { http: [{ path: '/v1/request-landing', method: 'POST' }] };
    world.apply(cnp('p', { ingress: [{ fromEndpoints: API, toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules }] }] }));
    const headers = npds(world).ingress_per_port_policies?.[0]?.rules?.[0]?.http_rules?.http_rules[0]?.headers;
    expect(headers?.map(({ name }) => name)).toEqual([':method', ':path']);
  });
});
