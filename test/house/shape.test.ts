import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blank, filesBelow, lineAt, sourceModules, TOP } from './support/source.ts';

describe('the shape of the house', () => {
  const modules = sourceModules();

  it('keeps the top level bare', () => {
    const allowed = [
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'src',
      'scenarios',
      'test',
      'README.md',
      'LICENSE',
      'docs',
      'node_modules',
      'dist',
    ];
    expect(readdirSync(TOP).filter((name) => !name.startsWith('.') && !allowed.includes(name))).toEqual([]);
  });

  it('keeps files small', () => {
    const sizes = modules.map((module) => ({ path: module.path, lines: module.text.split('\n').length }));
    expect(sizes.filter((size) => size.lines > 500).map((size) => `${size.path}: ${size.lines} lines, 500 is the end`)).toEqual([]);
    const sorted = sizes.map((size) => size.lines).sort((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(181);
  });

  it('names files in snake_case, without catch-alls', () => {
    for (const module of modules) {
      const name = basename(module.path);
      expect(name, module.path).toMatch(/^[a-z0-9]+(_[a-z0-9]+)*\.ts$/);
      expect(['types.ts', 'utils.ts', 'helpers.ts', 'common.ts', 'misc.ts'], module.path).not.toContain(name);
      if (name === 'index.ts') {
        expect(module.path).toBe('src/index.ts');
      }
    }
  });

  it('opens every file with a header and documents every export', () => {
    const missing: string[] = [];
    for (const module of modules) {
      if (!/^(#!.*\n)?\/\*\*?/.test(module.text)) {
        missing.push(`${module.path}: no header comment`);
      }
      const code = blank(module.text);
      for (const match of code.matchAll(/^export (?:abstract )?(?:declare )?(class|function|interface|type|const|let)\b\s*([\w$]+)/gm)) {
        const before = module.text.slice(0, match.index).trimEnd();
        const previousLine = before.slice(before.lastIndexOf('\n') + 1);
        // A run of one-line constants may share the comment above the first of them.
        const documented = before.endsWith('*/') || (match[1] !== 'function' && match[1] !== 'class' && previousLine.startsWith('export '));
        if (!documented) {
          missing.push(`${module.path}:${lineAt(code, match.index)}: export ${match[2]} has no doc comment`);
        }
      }
    }
    expect(missing).toEqual([]);
  });

  it('leaves no unfinished words and no traces of a machine', () => {
    const texts = [
      ...modules.map((module) => ({ path: module.path, text: module.text })),
      ...[...filesBelow(join(TOP, 'docs'), ['.md']), ...filesBelow(join(TOP, 'scenarios'), ['.yaml', '.md']), join(TOP, 'README.md')].map(
        (path) => ({
          path: relative(TOP, path),
          text: readFileSync(path, 'utf8'),
        }),
      ),
    ];
    expect(texts.length).toBeGreaterThan(150);
    const banned = /\b(TODO|FIXME|XXX|HACK)\b|\/work\/|\/home\/|\/root\/|registry\.npmjs|artifactory|\bLLM\b|\bAI\b|language model/;
    for (const { path, text } of texts) {
      const match = banned.exec(text);
      expect(match === null ? null : `${path}:${lineAt(text, match.index)}: ${match[0]}`, path).toBeNull();
    }
  });
});
