/**
 * Regular expressions of the library, which is Go: a match anywhere in the text.
 * @see https://pkg.go.dev/regexp#Regexp.MatchString
 */
import { RE2JS } from 're2js';
import { fromUtf8, latin1 } from '../../net/bytes.ts';

/** A compiled expression. */
export interface GoRegexp {
  /** Whether the text (one character a byte) holds a match. */
  find(text: string): boolean;
}

/** Compiles an expression; the error is the panic of Go's `MustCompile`. */
export function goRegexp(pattern: string): GoRegexp | { readonly error: string } {
  try {
    const compiled = RE2JS.compile(pattern);
    return { find: (text) => compiled.matcher(/[\u0080-\u00ff]/.test(text) ? fromUtf8(latin1(text)) : text).find() };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { error: `regexp: Compile(${goQuoted(pattern)}): ${text}` };
  }
}

/** @see https://pkg.go.dev/regexp#MustCompile (quote) */
function goQuoted(pattern: string): string {
  return pattern.includes('`') ? JSON.stringify(pattern) : `\`${pattern}\``;
}
