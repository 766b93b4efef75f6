/**
 * RE2 expressions as Envoy's matchers compile and run them: full match, UTF-8, linear time, with a bound on the compiled program.
 * @see envoy:source/common/common/regex.cc#CompiledGoogleReMatcher
 */
import { RE2JS } from 're2js';
import { latin1 } from '../net/bytes.ts';

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
  const size = programSize(compiled);
  if (size > maxProgramSize) {
    return {
      error:
        `regex '${pattern}' RE2 program size of ${size} > max program size of ${maxProgramSize} set for the error level threshold. ` +
        'Increase configured max program size if necessary.',
    };
  }
  return { pattern, matches: (value) => compiled.testExact(NON_ASCII.test(value) ? latin1(value) : value) };
}

const LITERAL = /^[A-Za-z0-9_/ :,=&%@~-]+$/;
const NON_ASCII = /[\u0080-\u00ff]/;

/** Fail, unanchored loop (two), one instruction a byte, match. */
function literalProgramSize(pattern: string): number {
  return pattern.length + 4;
}

interface ProgramInstruction {
  readonly op: number;
  readonly runes: ArrayLike<number>;
}

/** Operation codes of re2js programs. */
const OP_ALT = 1;
const OP_ALT_MATCH = 2;
const OP_FAIL = 5;
const OP_MATCH = 6;
const OP_NOP = 7;
const OP_RUNE = 8;
const OP_RUNE1 = 9;
const OP_RUNE_ANY = 10;
const OP_RUNE_ANY_NOT_NL = 11;

/**
 * The size of the RE2 program.
 * @remarks Simplified: counted on re2js's program (one instruction a rune) with the UTF-8 byte ranges RE2 would need for each rune; the C++
 * library factors common prefixes and suffixes a little differently, so sizes near the limit can be off by a few.
 * @see https://github.com/google/re2/blob/main/re2/prog.cc (Prog::Flatten)
 */
function programSize(compiled: RE2JS): number {
  const program = (compiled.re2() as unknown as { readonly prog: { readonly inst: readonly ProgramInstruction[] } }).prog;
  let size = 2;
  for (const instruction of program.inst) {
    size += instructionSize(instruction);
  }
  return size;
}

function instructionSize(instruction: ProgramInstruction): number {
  switch (instruction.op) {
    case OP_ALT:
    case OP_ALT_MATCH:
    case OP_FAIL:
    case OP_MATCH:
    case OP_NOP:
      return 1;
    case OP_RUNE_ANY:
      return 7;
    case OP_RUNE_ANY_NOT_NL:
      return 8;
    case OP_RUNE:
    case OP_RUNE1:
      return runesSize(instruction.runes);
    default:
      return 1;
  }
}

function runesSize(runes: ArrayLike<number>): number {
  let size = 0;
  for (let i = 0; i < runes.length; i += 2) {
    const low = runes[i] as number;
    const high = runes[i + 1] ?? low;
    if (low < 0x80) {
      size += 1;
    }
    if (high >= 0x80) {
      size += high === 0x10ffff ? 6 : high >= 0x1_0000 ? 4 : high >= 0x800 ? 3 : 2;
    }
  }
  return Math.max(1, size);
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
