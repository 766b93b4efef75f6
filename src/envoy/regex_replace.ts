/**
 * Rewriting by RE2 expressions: every match is replaced, `\1` stands for a group.
 * @see envoy:source/common/common/regex.h#CompiledGoogleReMatcher.replaceAll
 */
import { RE2JS } from 're2js';
import { compileRegex } from './regex.ts';

/** Compiles a rewrite, or says why Envoy refuses it. */
export function compileReplace(
  pattern: string,
  substitution: string,
  maxProgramSize: number,
): ((value: string) => string) | { readonly error: string } {
  const checked = compileRegex(pattern, maxProgramSize);
  if ('error' in checked) {
    return checked;
  }
  const regex = RE2JS.compile(pattern);
  const parts = rewriteParts(substitution);
  // RE2 leaves a value alone when the substitution is none, or names a group that is not there.
  if (parts === null || parts.some((part) => typeof part === 'number' && part > regex.groupCount())) {
    return (value) => value;
  }
  const rewritten = (...groups: unknown[]): string =>
    parts.map((part) => (typeof part === 'string' ? part : String(groups[part] ?? ''))).join('');
  return (value) => regex.matcher(value).replaceAll(rewritten);
}

/** Texts and numbers of groups; `null` for a backslash before anything but a digit or itself. @see re2:re2/re2.cc#RE2::Rewrite */
function rewriteParts(substitution: string): (string | number)[] | null {
  const parts: (string | number)[] = [];
  for (let i = 0; i < substitution.length; i++) {
    const c = substitution[i] as string;
    if (c !== '\\') {
      parts.push(c);
      continue;
    }
    i += 1;
    const next = substitution[i] ?? '';
    if (/^[0-9]$/.test(next)) {
      parts.push(Number(next));
    } else if (next === '\\') {
      parts.push(next);
    } else {
      return null;
    }
  }
  return parts;
}
