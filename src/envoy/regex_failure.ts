/**
 * Where a value leaves an expression: the first character after which no continuation could match. Only for explanations; verdicts come from
 * regex.ts.
 */
import { RE2JS } from 're2js';
import { fromUtf8, latin1 } from '../net/bytes.ts';

/** An instruction of a re2js program. */
interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  matchRune(rune: number): boolean;
}

const OP_ALT = 1;
const OP_ALT_MATCH = 2;
const OP_CAPTURE = 3;
const OP_EMPTY_WIDTH = 4;
const OP_MATCH = 6;
const OP_NOP = 7;
const EMPTY_BEGIN_TEXT = 4;

/**
 * The index of the first character of a value that does not match as a whole which no longer value can mend; the length of the value when only
 * more is missing.
 * @remarks Simplified: of empty assertions only the beginning of the text is looked at, so behind `\b` or an inner `$` the place can be a little
 * late.
 */
export function firstMismatch(pattern: string, value: string): number {
  const { inst, start } = (
    RE2JS.compile(pattern).re2() as unknown as { readonly prog: { readonly inst: readonly Instruction[]; readonly start: number } }
  ).prog;
  let alive = close(inst, [start], true);
  let at = 0;
  for (const character of fromUtf8(latin1(value))) {
    const rune = character.codePointAt(0) as number;
    const next: number[] = [];
    for (const pc of alive) {
      const one = inst[pc] as Instruction;
      if (one.op > OP_NOP && one.matchRune(rune)) {
        next.push(one.out);
      }
    }
    alive = close(inst, next, false);
    if (alive.size === 0) {
      return at;
    }
    at += rune < 0x80 ? 1 : rune < 0x800 ? 2 : rune < 0x1_0000 ? 3 : 4;
  }
  return at;
}

/** Everything that can be reached without a character. */
function close(inst: readonly Instruction[], from: readonly number[], atStart: boolean): Set<number> {
  const found = new Set<number>();
  const visited = new Set<number>();
  const open = [...from];
  for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
    if (visited.has(pc)) {
      continue;
    }
    visited.add(pc);
    const { op, out, arg } = inst[pc] as Instruction;
    if (op === OP_ALT || op === OP_ALT_MATCH) {
      open.push(arg, out);
    } else if (op === OP_CAPTURE || op === OP_NOP || (op === OP_EMPTY_WIDTH && (atStart || (arg & EMPTY_BEGIN_TEXT) === 0))) {
      open.push(out);
    } else if (op === OP_MATCH || op > OP_NOP) {
      found.add(pc);
    }
  }
  return found;
}
