import { describe, expect, it } from 'vitest';
import { blank, lineAt, type Module, moduleOf, sourceModules } from './support/source.ts';

/** What the engine may not use, and what to use instead. */
const BANS: readonly (readonly [RegExp, string])[] = [
  [/\bDate\b/g, 'time comes from sim/clock.ts; calendar text from net/http_date.ts'],
  [/\bMath\.random\b/g, 'randomness comes from sim/rng.ts'],
  [/\bcrypto\b(?=\s*\.)/g, 'randomness comes from sim/rng.ts'],
  [/\b(setTimeout|setInterval|setImmediate|queueMicrotask|requestAnimationFrame)\b/g, 'the only "later" is sim/scheduler.ts'],
  [/\bperformance\b/g, 'measuring belongs to test/bench'],
  [/\bconsole\b/g, 'return text; the cli prints it'],
  [/\bprocess\s*\./g, 'hand it in from cli'],
  [/\b(localeCompare|toLocale\w+|Intl)\b/g, 'compare code units; format by hand'],
  [/\b(TextEncoder|TextDecoder|Buffer|structuredClone|atob|btoa)\b/g, 'use net/bytes.ts'],
  [/\bnew URL\b|\bURLSearchParams\b/g, 'parse it in net'],
  [/\b(navigator|localStorage|globalThis)\b|\bfetch\s*\(/g, 'the DOM belongs to playground'],
  [/\bimport\s*\{[^}]*\bz\b[^}]*\}\s*from\b/g, 'zod comes as a namespace (import * as z), or all its languages are bundled'],
  [/\b(async|await)\b/g, 'the engine is synchronous; the scheduler is the only "later"'],
];

const DOORS = ['cli', 'playground'];

function banViolations(modules: readonly Module[]): string[] {
  const found: string[] = [];
  for (const module of modules.filter((one) => !DOORS.includes(one.room))) {
    const code = blank(module.text);
    for (const [pattern, instead] of BANS) {
      for (const match of code.matchAll(pattern)) {
        found.push(`${module.path}:${lineAt(code, match.index)}: ${match[0].trim()} is banned in the engine: ${instead}`);
      }
    }
  }
  return found;
}

describe('the bans of the engine', () => {
  const modules = sourceModules();

  it('see modules', () => {
    expect(modules.filter((module) => !DOORS.includes(module.room)).length).toBeGreaterThan(150);
  });

  it('hold', () => {
    expect(banViolations(modules)).toEqual([]);
  });

  it('catch offences, and only in code', () => {
    const bad = [
      'const t = Date.now();',
      'setTimeout(f, 1);',
      'const r = Math.random();',
      'a.localeCompare(b);',
      'new TextEncoder();',
      `const s = \`\${process.pid}\`;`,
    ];
    for (const text of bad) {
      expect(banViolations([moduleOf('src/bpf/x.ts', text)]), text).toHaveLength(1);
    }
    const good = [
      '// Date.now()',
      "const s = 'Date.now() console';",
      '/* process.exit */',
      'const r = /Date/;',
      'const t = `console.log`;',
      'const a = b / c; // x',
    ];
    for (const text of good) {
      expect(banViolations([moduleOf('src/bpf/x.ts', text)]), text).toEqual([]);
    }
    expect(banViolations([moduleOf('src/cli/x.ts', 'process.exit(1);')])).toEqual([]);
  });
});
