/**
 * RE2 expressions as Envoy's matchers compile and run them: full match, UTF-8, linear time, with a bound on the compiled program.
 * @see envoy:source/common/common/regex.cc#CompiledGoogleReMatcher
 */
import { RE2JS } from 're2js';
import { fromUtf8, latin1, utf8 } from '../net/bytes.ts';
import { programSize, type RuneProg } from './re2/compile.ts';

/** A compiled expression. */
export interface CompiledRegex {
  readonly pattern: string;
  /** Whether the whole value (one character per byte) matches. */
  matches(value: string): boolean;
}

/** Why an expression was refused. */
export interface RegexError {
  readonly error: string;
}

/** Compiles an expression, or says why Envoy refuses it. */
export function compileRegex(pattern: string, maxProgramSize: number): CompiledRegex | RegexError {
  if (LITERAL.test(pattern) && literalProgramSize(pattern) <= maxProgramSize) {
    return { pattern, matches: (value) => value === pattern };
  }
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    return { error: re2ErrorText(String((error as Error).message)) };
  }
  const size = programSize((compiled.re2() as unknown as { readonly prog: RuneProg }).prog);
  if (size > maxProgramSize) {
    return {
      error:
        `regex '${pattern}' RE2 program size of ${size} > max program size of ${maxProgramSize} set for the error level threshold. ` +
        'Increase configured max program size if necessary.',
    };
  }
  return {
    pattern,
    matches: (value) => {
      const text = NON_ASCII.test(value) ? decoded(value) : value;
      return text !== null && compiled.testExact(text);
    },
  };
}

const LITERAL = /^[A-Za-z0-9_/ :,=&%@~-]+$/;
const NON_ASCII = /[\u0080-\u00ff]/;

/** Fail, unanchored loop (two), one instruction a byte, match. */
function literalProgramSize(pattern: string): number {
  return pattern.length + 4;
}

/**
 * The characters of a value, or `null` if its bytes are not UTF-8: then no expression matches it as a whole.
 * @remarks Simplified: `.` and classes without ASCII limits also take overlong forms and surrogates in RE2.
 */
function decoded(value: string): string | null {
  const bytes = latin1(value);
  const text = fromUtf8(bytes);
  return utf8(text).length === bytes.length ? text : null;
}

/** Go's wording of a syntax error, as re2js has it, in the C++ library's words. @see https://github.com/google/re2/blob/main/re2/parse.cc (kErrorStrings) */
const ERROR_TEXTS: readonly (readonly [string, string])[] = [
  ['missing argument to repetition operator', 'no argument for repetition operator'],
  ['missing closing ]', 'missing ]'],
  ['missing closing )', 'missing )'],
  ['unexpected )', 'unexpected )'],
  ['invalid repeat count', 'invalid repetition size'],
  ['invalid nested repetition operator', 'bad repetition operator'],
  ['invalid or unsupported Perl syntax', 'invalid perl operator'],
  ['trailing backslash at end of expression', 'trailing \\'],
  ['duplicate capture group name', 'invalid named capture group'],
  ['invalid named capture', 'invalid named capture group'],
  ['invalid character class range', 'invalid character class range'],
  ['invalid character class', 'invalid character class'],
  ['invalid escape sequence', 'invalid escape sequence'],
];

function re2ErrorText(message: string): string {
  const text = message.replace(/^error parsing regexp: /, '');
  for (const [go, cpp] of ERROR_TEXTS) {
    if (text.startsWith(go)) {
      return cpp + text.slice(go.length).replace(/: `([\s\S]*)`$/, ': $1');
    }
  }
  return text;
}
