import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { lintManifests, lintOutput } from '../../src/index.ts';
import { policies } from '../../src/testing.ts';

describe('lint', () => {
  it('says something sensible about every policy', () => {
    fc.assert(
      fc.property(policies(), (objects) => {
        const named = objects.map((one, i) => ({ ...one, metadata: { ...(one['metadata'] as object), name: `p${i}` } }));
        const text = named.map((one) => stringify(one, { version: '1.1', lineWidth: 0 })).join('---\n');
        const outcome = lintManifests([{ file: 'p.yaml', text, indent: 0 }]);
        if (!outcome.ok) {
          return;
        }
        const lines = text.split('\n').length;
        for (const { position, message, code } of outcome.result.findings) {
          expect(position.line, code).toBeLessThanOrEqual(lines);
          expect(message).not.toMatch(/undefined|\[object|NaN/);
        }
        JSON.parse(lintOutput(outcome.result, 'sarif', 'info'));
      }),
      { numRuns: 60, seed: 7 },
    );
  });

  it('never throws on texts', () => {
    const part = fc.constantFrom(
      'spec',
      'ingress',
      '- ',
      ': ',
      '{}',
      '[]',
      'toPorts',
      'matchLabels',
      '\n',
      '  ',
      'null',
      '"80"',
      'kind: CiliumNetworkPolicy',
      'apiVersion: cilium.io/v2',
      'metadata: {name: x}',
      'endpointSelector: {}',
      '---',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 25 }), (parts) => {
        const outcome = lintManifests([{ file: 'p.yaml', text: parts.join(''), indent: 0 }]);
        expect(typeof outcome.ok).toBe('boolean');
      }),
      { numRuns: 150, seed: 8 },
    );
  });
});
