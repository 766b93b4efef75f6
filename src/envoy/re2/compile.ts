/**
 * From the program of re2js to the one that the C++ library compiles for the same expression: bytes instead of characters, anchors and required
 * prefixes taken out, the loop for unanchored matches put in.
 * @see https://github.com/google/re2/blob/main/re2/compile.cc
 * @remarks Simplified: neighbours such as `a*a+`, which the C++ library joins before it compiles, stay two; a counted character behind `^` counts as text.
 */
import { Prog } from './prog.ts';
import { RuneRange } from './rune_range.ts';

/** An instruction of a re2js program. */
export interface RuneInst {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  readonly runes: ArrayLike<number>;
}

/** A re2js program. */
export interface RuneProg {
  readonly start: number;
  readonly inst: readonly RuneInst[];
}

const OP_ALT = 1;
const OP_ALT_MATCH = 2;
const OP_CAPTURE = 3;
const OP_EMPTY_WIDTH = 4;
const OP_FAIL = 5;
const OP_MATCH = 6;
const OP_NOP = 7;
const OP_RUNE_ANY = 10;
const OP_RUNE_ANY_NOT_NL = 11;

const EMPTY_BEGIN_TEXT = 4;
const EMPTY_END_TEXT = 8;
const MAX_RUNE = 0x10ffff;

/** The size of the program that RE2 would make. */
export function programSize(source: RuneProg): number {
  const prog = new Prog();
  const ways = predecessors(source);
  const { start: first, anchor } = begin(source, ways);
  const end = endAnchor(source, ways);
  const ids = new Map<number, number>([[0, 0]]);
  const later: (() => void)[] = [];
  const translate = (at: number): number => {
    const known = ids.get(at);
    if (known !== undefined) {
      return known;
    }
    const inst = source.inst[at] as RuneInst;
    let id: number;
    if (inst.op === OP_ALT || inst.op === OP_ALT_MATCH) {
      id = prog.add({ kind: 'alt', out: 0, out1: 0 });
    } else if (inst.op === OP_CAPTURE || inst.op === OP_EMPTY_WIDTH || inst.op === OP_NOP) {
      const nop = inst.op === OP_NOP || at === end || at === anchor;
      id = prog.add({ kind: nop ? 'nop' : inst.op === OP_CAPTURE ? 'capture' : 'empty', out: 0 });
    } else if (inst.op === OP_MATCH) {
      id = prog.add({ kind: 'match' });
    } else if (inst.op === OP_FAIL) {
      id = 0;
    } else {
      const range = new RuneRange(prog);
      for (const [lo, hi, fold] of rangesOf(inst)) {
        range.add(lo, hi, fold);
      }
      id = range.begin;
      later.push(() => range.patch(translate(inst.out)));
      ids.set(at, id);
      return id;
    }
    ids.set(at, id);
    later.push(() => link(prog, id, inst, translate));
    return id;
  };
  let start = translate(first);
  for (let next = later.shift(); next !== undefined; next = later.shift()) {
    next();
  }
  for (let inst = prog.at(start); inst.kind === 'nop'; inst = prog.at(start)) {
    start = inst.out;
  }
  return prog.size(start, anchor >= 0 ? start : unanchored(prog, start));
}

function link(prog: Prog, id: number, inst: RuneInst, translate: (at: number) => number): void {
  const made = prog.at(id);
  if ('out' in made) {
    made.out = translate(inst.out);
  }
  if ('out1' in made) {
    made.out1 = translate(inst.arg);
  }
}

/** `.*?` over bytes before the program. */
function unanchored(prog: Prog, start: number): number {
  const loop = prog.add({ kind: 'byte', lo: 0, hi: 255, fold: false, out: 0 });
  const alt = prog.add({ kind: 'alt', out: start, out1: loop });
  (prog.at(loop) as { out: number }).out = alt;
  return alt;
}

/** Where the program begins, and the `^` that is no instruction, or -1. With text behind `^`, both are taken out: that prefix is compared before the program runs. */
function begin(source: RuneProg, ways: ReadonlyMap<number, readonly number[]>): { readonly start: number; readonly anchor: number } {
  const inst = (at: number): RuneInst => source.inst[at] as RuneInst;
  let at = source.start;
  while (inst(at).op === OP_NOP) {
    at = inst(at).out;
  }
  const captures: number[] = [];
  for (let i = at; inst(i).op === OP_CAPTURE; i = inst(i).out) {
    captures.push(i);
  }
  const anchor = captures.length === 0 ? at : inst(captures.at(-1) as number).out;
  if (inst(anchor).op !== OP_EMPTY_WIDTH || inst(anchor).arg !== EMPTY_BEGIN_TEXT) {
    return { start: at, anchor: -1 };
  }
  if (captures.length === 0) {
    const rest = behindLiteral(source, inst(anchor).out, ways);
    if (rest !== inst(anchor).out) {
      return { start: rest, anchor: -1 };
    }
  }
  return { start: at, anchor };
}

/** The instruction behind the literal text that begins at `from`. */
function behindLiteral(source: RuneProg, from: number, ways: ReadonlyMap<number, readonly number[]>): number {
  let at = from;
  const fold = (source.inst[from] as RuneInst).arg & 1;
  for (;;) {
    const inst = source.inst[at] as RuneInst;
    const literal = inst.op > OP_NOP && inst.runes.length === 1 && (inst.arg & 1) === fold && rangesOf(inst).length === 1;
    if (!literal || (ways.get(at) ?? []).length > 1) {
      return at;
    }
    at = inst.out;
  }
}

/** For each instruction those that lead to it. */
function predecessors(source: RuneProg): Map<number, number[]> {
  const before = new Map<number, number[]>();
  source.inst.forEach((inst, at) => {
    const outs =
      inst.op === OP_ALT || inst.op === OP_ALT_MATCH ? [inst.out, inst.arg] : inst.op === OP_MATCH || inst.op === OP_FAIL ? [] : [inst.out];
    for (const out of outs) {
      before.set(out, [...(before.get(out) ?? []), at]);
    }
  });
  return before;
}

/** The `$` that every way to the match passes last, or -1. */
function endAnchor(source: RuneProg, ways: ReadonlyMap<number, readonly number[]>): number {
  let at = source.inst.findIndex((inst) => inst.op === OP_MATCH);
  for (;;) {
    const [one, ...more] = ways.get(at) ?? [];
    if (one === undefined || more.length > 0) {
      return -1;
    }
    const inst = source.inst[one] as RuneInst;
    if (inst.op === OP_EMPTY_WIDTH) {
      return inst.arg === EMPTY_END_TEXT ? one : -1;
    }
    if (inst.op !== OP_CAPTURE && inst.op !== OP_NOP) {
      return -1;
    }
    at = one;
  }
}

type Range = readonly [lo: number, hi: number, fold: boolean];

/** The characters of an instruction as ranges; letters of both cases are one range that folds. */
function rangesOf(inst: RuneInst): Range[] {
  if (inst.op === OP_RUNE_ANY) {
    return [[0, MAX_RUNE, false]];
  }
  if (inst.op === OP_RUNE_ANY_NOT_NL) {
    return [
      [0, 9, false],
      [11, MAX_RUNE, false],
    ];
  }
  const pairs: [number, number][] = [];
  if (inst.runes.length === 1) {
    const rune = inst.runes[0] as number;
    if ((inst.arg & 1) === 0) {
      return [[rune, rune, false]];
    }
    const text = String.fromCodePoint(rune);
    const folds = new Set([rune, ...[text.toLowerCase(), text.toUpperCase()].map((one) => one.codePointAt(0) as number)]);
    if (/k/i.test(text)) {
      folds.add(0x212a);
    } else if (/s/i.test(text)) {
      folds.add(0x17f);
    }
    pairs.push(...[...folds].sort((a, b) => a - b).map((one): [number, number] => [one, one]));
  }
  for (let i = 0; i + 1 < inst.runes.length; i += 2) {
    pairs.push([inst.runes[i] as number, inst.runes[i + 1] as number]);
  }
  const folds = letters(pairs, 65) === letters(pairs, 97);
  return pairs.flatMap(([lo, hi]): Range[] => {
    if (folds && lo >= 65 && hi <= 90) {
      return [];
    }
    const plain = (lo <= 65 && hi >= 122) || hi < 65 || lo > 122 || (lo > 90 && hi < 97);
    return [[lo, hi, folds && !plain]];
  });
}

/** Which of the 26 letters from `first` on are in the ranges, as bits. */
function letters(pairs: readonly (readonly [number, number])[], first: number): number {
  let bits = 0;
  for (const [lo, hi] of pairs) {
    for (let letter = Math.max(lo, first); letter <= Math.min(hi, first + 25); letter++) {
      bits |= 1 << (letter - first);
    }
  }
  return bits;
}
