import { describe, expect, it } from 'vitest';
import { hasShared, readLines, sharedFile } from './module.ts';
import { checkProxyRecord, emitProxy, proxyModule } from './proxy.ts';

const present = hasShared('vectors/proxy.jsonl');

describe('proxy vectors', () => {
  it.skipIf(!present)(`hold${present ? '' : ' (skipped: the vectors are not there)'}`, () => {
    const outcomes = proxyModule.compare();
    for (const { suite, cases } of outcomes) {
      console.info(`${suite} ${cases.filter((one) => one.differences.length === 0).length}/${cases.length}`);
    }
    expect(outcomes.flatMap(({ cases }) => cases.filter((one) => one.differences.length > 0))).toEqual([]);
  });

  it.skipIf(!present)('are emitted without looking at the expectations', () => {
    for (const record of readLines(sharedFile('vectors/proxy.jsonl')) as Record<string, unknown>[]) {
      const { expect: _e, derived123: _d, exists: _x, error: _r, errorMatch: _m, expectRequest: _q, expectResponse: _s, ...rest } = record;
      if (record['kind'] === 'wire') {
        const { upstreamRequest: _u, downstreamResponse: _p, upstreamConnectionOpened: _o, downstreamFirst: _f, ...bare } = rest;
        expect(emitProxy(bare)).toEqual(emitProxy(record));
      } else if (record['kind'] !== 'policy') {
        expect(emitProxy(rest)).toEqual(emitProxy(record));
      }
    }
  });

  it('finds a wrong expectation', () => {
    const record = { kind: 'hostmap', name: 'x', hosts: [{ policy: 7, host_addresses: ['10.0.0.0/8'] }], checks: [{ ip: '10.1.1.1' }] };
    expect(emitProxy(record)).toEqual({ name: 'x', kind: 'hostmap', result: { checks: [{ id: 7 }] } });
    expect(checkProxyRecord({ kind: 'hostmap-reject', name: 'y', hosts: [], error: 'no' })?.differences).toHaveLength(1);
    expect(checkProxyRecord({ kind: 'tcp', name: 'z' })).toBeNull();
  });
});
