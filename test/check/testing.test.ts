/** An example: a team tests its own policy with `trenchrun/testing`. */
import { expect as jestExpect } from 'expect';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
// Their types; they register nothing here.
import type {} from '../../src/jest.ts';
import { labels, matchers, pod, reachability, requestNear } from '../../src/testing.ts';
import type {} from '../../src/vitest.ts';

expect.extend(matchers);
jestExpect.extend(matchers);

const POLICY = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: rule1}
spec:
  endpointSelector: {matchLabels: {app: db}}
  ingress:
    - fromEndpoints: [{matchLabels: {app: api}}]
      toPorts:
        - ports: [{port: "80", protocol: TCP}]
          rules: {http: [{method: GET, path: "/rows/[0-9]+"}]}
`;
const PODS = ['api', 'db', 'web']
  .map(
    (app) => `apiVersion: v1\nkind: Pod\nmetadata: {name: ${app}, labels: {app: ${app}}}\nspec: {containers: [{name: c, image: nginx}]}\n`,
  )
  .join('---\n');
const database = reachability(PODS, POLICY);

describe('the database', () => {
  it.each([
    ['vitest', expect],
    ['Jest', jestExpect],
  ] as const)('answers the API and nobody else, says %s', (_name, told) => {
    told(database).toAllow({ from: 'api', to: 'db', path: '/rows/1' });
    told(database).toDeny({ from: 'web', to: 'db', path: '/rows/1' });
    told(database).not.toAllow({ from: 'api', to: 'db', path: '/rows/1', method: 'DELETE' });
    expect(() => told(database).toAllow({ from: 'api', to: 'db', path: '/' })).toThrow(
      'api -> db:80 GET /: is denied at ingress by CiliumNetworkPolicy default/rule1, spec.ingress[0]',
    );
    expect(() => told(database).not.toAllow({ from: 'api', to: 'db', path: '/rows/1' })).toThrow('is allowed by CiliumNetworkPolicy');
    expect(() => told(database).toAllow({ from: 'apy', to: 'db' })).toThrow(
      'no pod "apy"; there are: default/api, default/db, default/web',
    );
    expect(() => told('database').not.toDeny({ from: 'api', to: 'db' })).toThrow('expected what reachability(...) gives, not string');
  });

  it('says when it cannot tell, whatever is asked', () => {
    const kafka = reachability(PODS, POLICY.replace(/rules: .*/, 'rules: {kafka: [{topic: a}]}'));
    expect(() => expect(kafka).toAllow({ from: 'api', to: 'db' })).toThrow('cannot be told');
    expect(() => expect(kafka).not.toAllow({ from: 'api', to: 'db' })).toThrow('cannot be told');
  });

  it('shows rows by number only, whatever the API asks for', () => {
    fc.assert(
      fc.property(requestNear({ method: 'GET', path: '/rows/[0-9]+' }), (request) => {
        const reached = database.ask({ from: 'api', to: 'db', ...request });
        // The proxy takes dots and double slashes out of a path before it looks at it: what counts is what the database gets.
        expect(reached.reaches === 'yes' ? reached.request : null).toEqual(
          reached.reaches === 'yes' ? { ...request, method: 'GET', path: expect.stringMatching(/^\/rows\/[0-9]+$/) } : null,
        );
      }),
    );
  });

  it('is closed to pods that are not the API, whatever else they are', () => {
    fc.assert(
      fc.property(pod(), labels(), (one, some) => {
        const stranger = { ...one, labels: { ...some, app: 'web' } };
        expect(database.ask({ from: stranger, to: 'db', path: '/rows/1' }).reaches).toBe('no');
      }),
    );
  });
});
