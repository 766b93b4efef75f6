import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fidelityPage } from '../../.config/fidelity.ts';
import { TOP } from './support/source.ts';

describe('docs/FIDELITY.md', () => {
  it('is what the doc comments say (npm run fidelity writes it)', () => {
    const page = fidelityPage();
    expect(page).toMatch(/^[1-9][0-9]{2,} references/m);
    expect(page).toContain('**Simplified.**');
    expect(readFileSync(join(TOP, 'docs', 'FIDELITY.md'), 'utf8')).toBe(page);
  });
});
