import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { labelText } from '../../../src/agent/labels/labels.ts';
import { tracePolicy } from '../../../src/agent/policy/trace.ts';
import { expectGolden } from '../../golden/golden.ts';
import { allowSpecs, cnp, intended, newWorld, PODS, specs, verdictTable, WEB, type World, worldOf } from './support.ts';

const labelsOf = (world: World, id: number): string[] => world.subject(id).labels.map(labelText);
const tcp = (port: number): object => ({ port, name: '', protocol: 'TCP' });

/** rule1 of the article for app=web. */
const RULE1 = cnp('rule1', {
  ingress: [
    {
      fromEndpoints: [{ matchLabels: { org: 'empire' } }],
      toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{ method: 'POST', path: '/v1/request-landing' }] } }],
    },
  ],
});

describe('the log', () => {
  const world = newWorld();
  world.apply(RULE1);
  world.apply(cnp('closed', { ingressDeny: [{ fromEntities: ['world'] }], egress: [{ toEndpoints: [{}] }, { toCIDR: ['10.0.0.0/8'] }] }));
  world.apply(
    cnp('more', {
      ingress: [
        { fromRequires: [{ matchLabels: { org: 'empire' } }], fromEndpoints: [{ matchLabels: { app: 'db' } }] },
        { icmps: [{ fields: [{ type: 8 }] }] },
        {
          toPorts: [
            {
              ports: [
                { port: 'http', protocol: 'TCP' },
                { port: '53', protocol: 'ANY' },
              ],
            },
          ],
        },
      ],
    }),
  );
  const trace = (from: number | string[], to: number | string[], ...dports: object[]): string => {
    const labels = (of: number | string[]): string[] => (typeof of === 'number' ? labelsOf(world, of) : of);
    const { log, verdict } = tracePolicy(world.repository, { from: labels(from), to: labels(to), dports: dports as never, verbose: false });
    return `${log}Verdict: ${verdict}\n`;
  };
  test.each([
    ['allowed', trace(1002, WEB, tcp(80))],
    ['other-port', trace(1002, WEB, tcp(81))],
    ['other-peer', trace(1003, WEB, tcp(80))],
    ['egress', trace(WEB, 1003, tcp(80))],
    ['denied', trace(['reserved:world'], WEB, tcp(80))],
    ['no-port', trace(1002, WEB)],
    ['named-port', trace(1002, WEB, { port: 0, name: 'http', protocol: 'TCP' })],
    ['icmp', trace(1002, WEB, { port: 8, name: '', protocol: 'ICMP' })],
    ['any-protocol', trace(1003, WEB, { port: 53, name: '', protocol: 'ANY' }, tcp(80))],
    ['no-labels', trace([], WEB, tcp(80))],
    ['any-source', trace(['org=empire'], ['app=web'], tcp(80))],
    ['unselected', trace(1002, 1003, tcp(80))],
  ])('%s', (name, text) => {
    expectGolden(`agent/policy/trace/${name}.txt`, text);
  });

  test('a trace leaves no selector behind', () => {
    const before = [...world.cache.allSelectors()].length;
    trace(1002, WEB, tcp(80));
    expect([...world.cache.allSelectors()].length).toBe(before);
  });

  test('without enforcement all is allowed', () => {
    const never = newWorld(PODS, { enforcement: 'never' });
    never.apply(RULE1);
    const { log, verdict } = tracePolicy(never.repository, { from: ['a'], to: ['app=web'], dports: [], verbose: false });
    expect(verdict).toBe('allowed');
    expect(log).toContain('Policy enforcement is disabled for the daemon.');
  });

  test('with enforcement always, no rule denies', () => {
    const always = newWorld(PODS, { enforcement: 'always' });
    expect(tracePolicy(always.repository, { from: ['a'], to: ['b'], dports: [], verbose: false }).verdict).toBe('denied');
  });
});

describe('and the map', () => {
  const traced = (world: World): string[] => {
    const table: string[] = [];
    for (const { id } of PODS) {
      for (const [port, proto, protocol] of [
        [80, 6, 'TCP'],
        [443, 6, 'TCP'],
        [80, 17, 'UDP'],
        [443, 17, 'UDP'],
        [81, 6, 'TCP'],
      ] as const) {
        const { verdict } = tracePolicy(world.repository, {
          from: labelsOf(world, id),
          to: labelsOf(world, WEB),
          dports: [{ port, name: '', protocol }],
          verbose: false,
        });
        table.push(`${id}:${port}/${proto} ${verdict === 'allowed' ? 'pass' : 'drop'}`);
      }
    }
    return table.sort();
  };

  test('agree for pods where nothing is denied', () => {
    fc.assert(
      fc.property(allowSpecs, (list) => {
        const world = worldOf(list);
        const map = verdictTable(world, intended(world).mapState)
          .filter((row) => PODS.some(({ id }) => row.startsWith(`${id}:`)))
          .map((row) => row.replace(/allow|redirect/, 'pass'));
        expect(traced(world)).toEqual(map);
      }),
      { numRuns: 60 },
    );
  });

  test('any policy can be traced', () => {
    fc.assert(
      fc.property(specs, (list) => {
        expect(traced(worldOf(list))).toHaveLength(PODS.length * 5);
      }),
      { numRuns: 40 },
    );
  });
});
