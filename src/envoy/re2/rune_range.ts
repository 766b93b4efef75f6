/**
 * A character class as byte ranges of UTF-8, with common beginnings and ends shared.
 * @see https://github.com/google/re2/blob/main/re2/compile.cc (Compiler::AddRuneRangeUTF8, Compiler::AddSuffixRecursive)
 */
import type { Inst, Prog } from './prog.ts';

type ByteInst = Extract<Inst, { kind: 'byte' }>;
type AltInst = Extract<Inst, { kind: 'alt' | 'alt-match' }>;

const MAX_RUNE = 0x10ffff;
/** The last character of one, two and three bytes. */
const LAST_OF_LENGTH = [0x7f, 0x7ff, 0xffff];

/** The class. Ranges are added in ascending order. */
export class RuneRange {
  /** The first instruction; 0 while the class is empty. */
  begin = 0;
  readonly #prog: Prog;
  readonly #ends: number[] = [];
  readonly #cache = new Map<string, number>();
  readonly #cached = new Set<number>();

  constructor(prog: Prog) {
    this.#prog = prog;
  }

  /** Adds the characters from `lo` to `hi`. @param fold ASCII letters of the other case too */
  add(lo: number, hi: number, fold: boolean): void {
    if (lo > hi) {
      return;
    }
    if (lo === 0x80 && hi === MAX_RUNE) {
      this.#addAllBeyondAscii();
      return;
    }
    for (const last of LAST_OF_LENGTH) {
      if (lo <= last && last < hi) {
        this.add(lo, last, fold);
        this.add(last + 1, hi, fold);
        return;
      }
    }
    if (hi < 0x80) {
      this.#addSuffix(this.#byte(lo, hi, fold, 0));
      return;
    }
    for (let i = 1; i < 4; i++) {
      const mask = 2 ** (6 * i) - 1;
      if ((lo & ~mask) !== (hi & ~mask)) {
        if ((lo & mask) !== 0) {
          this.add(lo, lo | mask, fold);
          this.add((lo | mask) + 1, hi, fold);
          return;
        }
        if ((hi & mask) !== mask) {
          this.add(lo, (hi & ~mask) - 1, fold);
          this.add(hi & ~mask, hi, fold);
          return;
        }
      }
    }
    this.#addSequence(utf8(lo), utf8(hi));
  }

  /** What follows the class. */
  patch(out: number): void {
    for (const id of this.#ends) {
      (this.#prog.at(id) as ByteInst).out = out;
    }
  }

  #addSequence(lo: readonly number[], hi: readonly number[]): void {
    let id = 0;
    for (let i = lo.length - 1; i >= 0; i--) {
      const [from, to] = [lo[i] as number, hi[i] as number];
      id = i === lo.length - 1 || (from < to && i !== 0) ? this.#cachedByte(from, to, id) : this.#byte(from, to, false, id);
    }
    this.#addSuffix(id);
  }

  /** Long forms and characters beyond the last are let in: it makes the program smaller. */
  #addAllBeyondAscii(): void {
    let next = 0;
    for (const [lo, hi] of [
      [0xc2, 0xdf],
      [0xe0, 0xef],
      [0xf0, 0xf4],
    ] as const) {
      next = this.#byte(0x80, 0xbf, false, next);
      this.#addSuffix(this.#byte(lo, hi, false, next));
    }
  }

  #byte(lo: number, hi: number, fold: boolean, next: number): number {
    const id = this.#prog.add({ kind: 'byte', lo, hi, fold, out: next });
    if (next === 0) {
      this.#ends.push(id);
    }
    return id;
  }

  #cachedByte(lo: number, hi: number, next: number): number {
    const key = `${lo} ${hi} ${next}`;
    const id = this.#cache.get(key) ?? this.#byte(lo, hi, false, next);
    this.#cache.set(key, id);
    this.#cached.add(id);
    return id;
  }

  #addSuffix(id: number): void {
    this.begin = this.begin === 0 ? id : this.#merge(this.begin, id);
  }

  /** Shares a common first byte; only the latest alternative can have it, since ranges ascend. */
  #merge(root: number, id: number): number {
    const found = this.#find(root, id);
    if (found === null) {
      return this.#prog.add({ kind: 'alt', out: root, out1: id });
    }
    let [top, shared] = [root, found];
    if (this.#cached.has(shared)) {
      const clone = this.#prog.add({ ...(this.#prog.at(shared) as ByteInst) });
      if (shared === root) {
        top = clone;
      } else {
        (this.#prog.at(root) as AltInst).out1 = clone;
      }
      shared = clone;
    }
    const head = this.#prog.at(shared) as ByteInst;
    head.out = this.#merge(head.out, (this.#prog.at(id) as ByteInst).out);
    return top;
  }

  #find(root: number, id: number): number | null {
    const inst = this.#prog.at(root);
    const candidate = inst.kind === 'alt' ? inst.out1 : root;
    const [a, b] = [this.#prog.at(candidate), this.#prog.at(id)];
    return a.kind === 'byte' && b.kind === 'byte' && a.lo === b.lo && a.hi === b.hi && a.fold === b.fold ? candidate : null;
  }
}

function utf8(rune: number): number[] {
  if (rune < 0x800) {
    return [0xc0 | (rune >> 6), 0x80 | (rune & 63)];
  }
  if (rune < 0x1_0000) {
    return [0xe0 | (rune >> 12), 0x80 | ((rune >> 6) & 63), 0x80 | (rune & 63)];
  }
  return [0xf0 | (rune >> 18), 0x80 | ((rune >> 12) & 63), 0x80 | ((rune >> 6) & 63), 0x80 | (rune & 63)];
}
