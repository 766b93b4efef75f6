import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { newIdentity } from '../../../src/agent/identity/identity.ts';
import { parseCnp } from '../../../src/agent/k8s/cnp.ts';
import { parseLabelArray } from '../../../src/agent/labels/labels.ts';
import { DEFAULT_POLICY_CONFIG, type PolicyQuirks, RELEASED_QUIRKS } from '../../../src/agent/policy/config.ts';
import { SelectorCache } from '../../../src/agent/policy/selectorcache.ts';
import { QUIRK_NAMES, quirkIssues } from '../../../src/cluster/quirks.ts';
import { cnp, firstWrite, intended, newWorld, PODS, rows, type World } from './support.ts';

/** A world with one quirk switched. */
function world(quirk: keyof PolicyQuirks, on: boolean, ...specs: object[]): World {
  const made = newWorld(PODS, { quirks: { ...RELEASED_QUIRKS, [quirk]: on } });
  specs.forEach((spec, i) => {
    made.apply(cnp(`p${i}`, spec));
  });
  return made;
}

const API = [{ matchLabels: { app: 'api' } }];
const PORT = { ports: [{ port: '80', protocol: 'TCP' }] };

describe('each quirk has a switch', () => {
  it('that is documented', () => {
    const text = readFileSync(new URL('../../../docs/quirks.md', import.meta.url), 'utf8');
    expect(QUIRK_NAMES.filter((name) => !text.includes(`| \`${name}\` |`))).toEqual([]);
  });

  it('and unknown ones are refused', () => {
    expect(quirkIssues({ coveredDenyDroped: true })).toEqual([
      { quirk: 'coveredDenyDroped', message: 'unknown quirk coveredDenyDroped; did you mean coveredDenyDropped?' },
    ]);
    expect(quirkIssues({ coveredDenyDropped: false, loopbackBypass: false })).toEqual([]);
  });

  it.each([true, false])('redirectOverwritesDeny %s', (on) => {
    const http = { ...PORT, rules: { http: [{ method: 'GET' }] } };
    const made = world('redirectOverwritesDeny', on, {
      ingress: [{ fromEndpoints: API, toPorts: [http] }],
      ingressDeny: [{ fromEndpoints: API }],
    });
    expect(rows(firstWrite(made).mapState).includes('ingress 1002:80/6 redirect')).toBe(on);
  });

  it.each([true, false])('denySectionsUnchecked %s', (on) => {
    const deny = { ingress: [{}], ingressDeny: [{ fromEndpoints: API, toPorts: [{ ports: [{ port: '80' }] }] }] };
    const text = rows(intended(world('denySectionsUnchecked', on, deny)).mapState);
    expect(text.includes('ingress 1002:80/6 deny')).toBe(!on);
    const quirks = { ...RELEASED_QUIRKS, denySectionsUnchecked: on };
    const bad = parseCnp(cnp('bad', { ingressDeny: [{ fromEntities: ['everybody'] }] }), { ...DEFAULT_POLICY_CONFIG, quirks });
    expect(bad.issues.length > 0).toBe(!on);
  });

  it.each([true, false])('initEscapesNamespace %s', (on) => {
    const quirks = { ...RELEASED_QUIRKS, initEscapesNamespace: on };
    const spec = { endpointSelector: { matchExpressions: [{ key: 'reserved:init', operator: 'DoesNotExist' }] }, ingress: [{}] };
    const [rule] = parseCnp({ ...cnp('p', {}), spec }, { ...DEFAULT_POLICY_CONFIG, quirks }).rules;
    expect(rule?.endpointSelector?.matchLabels.length === 0).toBe(on);
  });

  it.each([true, false])('coveredDenyDropped %s', (on) => {
    const made = world(
      'coveredDenyDropped',
      on,
      { ingress: [{ fromEntities: ['all'] }], ingressDeny: [{ fromCIDR: ['10.0.0.0/8'] }] },
      { egress: [{ toCIDR: ['10.1.0.0/16'] }] },
    );
    const denies = rows(intended(made).mapState).filter((row) => row.startsWith('ingress 167') && row.endsWith(':0/0 deny'));
    expect(denies.length).toBe(on ? 1 : 2);
  });

  it.each([true, false])('unmatchedServicesOpenPorts %s', (on) => {
    const made = world('unmatchedServicesOpenPorts', on, {
      egress: [{ toServices: [{ k8sService: { serviceName: 'x', namespace: 'default' } }], toPorts: [PORT] }],
    });
    const text = rows(intended(made).mapState);
    expect(text.includes('egress 0:80/6 allow')).toBe(on);
    expect(text.includes('egress 0:0/0 allow')).toBe(false);
  });

  it.each([true, false])('serverNamesAloneNotRedirected %s', (on) => {
    const made = world('serverNamesAloneNotRedirected', on, {
      ingress: [{ fromEndpoints: API, toPorts: [{ ...PORT, serverNames: ['one.example.com'] }] }],
      egress: [{ toPorts: [{ ...PORT, rules: { l7proto: 'x' } }] }],
    });
    const text = rows(intended(made).mapState);
    expect(text.includes(`ingress 1002:80/6 ${on ? 'allow' : 'redirect'}`)).toBe(true);
    // The same test lets an l7proto without rules count as a redirect.
    expect(text.includes(`egress 0:80/6 ${on ? 'redirect' : 'allow'}`)).toBe(true);
  });

  it.each([true, false])('relabelKeepsSelections %s', (on) => {
    const cache = new SelectorCache([newIdentity(1001, parseLabelArray(['k8s:app=a']))], undefined, on);
    const heard: string[] = [];
    const user = {
      identitySelectionUpdated: (_: unknown, added: readonly number[], deleted: readonly number[]) =>
        void heard.push(`+${added} -${deleted}`),
    };
    const rule = parseCnp(cnp('p', { ingress: [{ fromEndpoints: [{ matchLabels: { 'k8s:app': 'a' } }] }] }), DEFAULT_POLICY_CONFIG);
    const [peer] = rule.rules[0]?.ingress[0]?.fromEndpoints ?? [];
    if (peer === undefined) {
      throw new Error('no peer');
    }
    const only = { ...peer, matchLabels: peer.matchLabels.filter(([key]) => key === 'k8s.app'), text: 'app=a' };
    const { selector } = cache.addIdentitySelector(user, only);
    cache.updateIdentities([newIdentity(1001, parseLabelArray(['k8s:app=b']))], []);
    expect(selector.selects(1001)).toBe(on);
    expect(heard).toEqual(on ? [] : ['+ -1001']);
  });
});
