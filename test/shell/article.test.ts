import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { articlePage, runArticle } from '../../.config/article.ts';
import { TOP } from '../house/support/source.ts';

const SEED = join(TOP, '..', 'shared', 'seed');
const script = readFileSync(join(TOP, 'scenarios', 'star-wars', 'article.sh'), 'utf8');

describe('article.sh', () => {
  it('is what docs/article.md shows (npm run article writes it)', () => {
    const page = articlePage();
    expect(page).toContain('RxPackets=6 RxBytes=659');
    expect(readFileSync(join(TOP, 'docs', 'article.md'), 'utf8')).toBe(page);
  });

  it('succeeds in every line, and prints the three entries of the article byte for byte', () => {
    const statements = runArticle();
    expect(statements.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual(statements.map(() => [0, '']));
    const entries = readFileSync(join(TOP, 'test/shell/article/cilium-bpf-ct-list-global.txt'), 'utf8').trimEnd().split('\n');
    expect(entries).toHaveLength(3);
    const lines = statements.at(-1)?.stdout.split('\n');
    for (const entry of entries) {
      expect(lines).toContain(`${entry.trimEnd()} `);
    }
  });

  it.skipIf(!existsSync(SEED))(
    "has the article's commands in its order and wording, and nothing more but sleep (skipped without ../shared)",
    () => {
      const article = readFileSync(join(SEED, 'article.zh.txt'), 'utf8').split('\n');
      const isCommand = (line: string): boolean => /^(?:kubectl|cilium bpf|agent=)/.test(line);
      const typed = script.split('\n').filter((line) => isCommand(line));
      // The table before any traffic stands first here; the article shows it later.
      expect(typed[2]).toBe('cilium bpf policy get 863');
      typed.splice(2, 1);
      expect(typed).toEqual(article.filter(isCommand));
      const flat = (text: string): string => text.replace(/^\s+/gm, '');
      for (const kind of ['app', 'rule1']) {
        const manifest = readFileSync(join(SEED, 'manifests', `${kind}.yaml`), 'utf8');
        expect(script).toContain(manifest.trimEnd());
        expect(article.join('\n').includes(flat(manifest).trimEnd())).toBe(true);
      }
    },
  );
});
