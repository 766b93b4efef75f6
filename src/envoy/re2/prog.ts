/**
 * The instructions of an RE2 program and their final count: what `RE2::ProgramSize` says after the program was flattened into lists.
 * @see https://github.com/google/re2/blob/main/re2/prog.cc (Prog::Optimize, Prog::Flatten)
 */

/** An instruction. `out` and `out1` are indexes; 0 is the instruction that fails. */
export type Inst =
  | { kind: 'fail' | 'match' }
  | { kind: 'alt' | 'alt-match'; out: number; out1: number }
  | { kind: 'byte'; lo: number; hi: number; fold: boolean; out: number }
  | { kind: 'capture' | 'empty' | 'nop'; out: number };

/** A program under construction. */
export class Prog {
  readonly inst: Inst[] = [{ kind: 'fail' }];

  /** Adds an instruction and returns its index. */
  add(inst: Inst): number {
    return this.inst.push(inst) - 1;
  }

  /** The instruction at an index. */
  at(id: number): Inst {
    return this.inst[id] as Inst;
  }

  /** The number of instructions after optimising and flattening. */
  size(start: number, startUnanchored: number): number {
    this.#optimize(start);
    return flatten(this, start, startUnanchored);
  }

  /** Skips no-ops, and marks loops over any byte beside a match. */
  #optimize(start: number): void {
    const skip = (id: number): number => {
      let at = id;
      for (let inst = this.at(at); at !== 0 && inst.kind === 'nop'; inst = this.at(at)) {
        at = inst.out;
      }
      return at;
    };
    const ids = reachable(this, start);
    for (const id of ids) {
      const inst = this.at(id);
      if ('out' in inst) {
        inst.out = skip(inst.out);
      }
      if ('out1' in inst) {
        inst.out1 = skip(inst.out1);
      }
    }
    for (const id of reachable(this, start)) {
      const inst = this.at(id);
      if (inst.kind !== 'alt') {
        continue;
      }
      const loops = (one: number): boolean => {
        const to = this.at(one);
        return to.kind === 'byte' && to.out === id && to.lo === 0 && to.hi === 255;
      };
      if ((loops(inst.out) && this.#isMatch(inst.out1)) || (this.#isMatch(inst.out) && loops(inst.out1))) {
        inst.kind = 'alt-match';
      }
    }
  }

  #isMatch(id: number): boolean {
    let inst = this.at(id);
    while (inst.kind === 'capture' || inst.kind === 'nop') {
      inst = this.at(inst.out);
    }
    return inst.kind === 'match';
  }
}

/** Everything that can be reached, in the order of discovery. */
function reachable(prog: Prog, start: number): Set<number> {
  const seen = new Set<number>();
  const open = [start];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (!seen.has(id)) {
      seen.add(id);
      const inst = prog.at(id);
      if ('out1' in inst) {
        open.push(inst.out1);
      }
      if ('out' in inst) {
        open.push(inst.out);
      }
    }
  }
  return seen;
}

/** What can be reached from a root without a byte, other roots being the ends. */
function tree(prog: Prog, root: number, roots: ReadonlySet<number>): Set<number> {
  const seen = new Set<number>();
  const open = [root];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) {
      continue;
    }
    seen.add(id);
    if (id !== root && roots.has(id)) {
      continue;
    }
    const inst = prog.at(id);
    if (inst.kind === 'alt' || inst.kind === 'alt-match') {
      open.push(inst.out1, inst.out);
    } else if (inst.kind === 'nop') {
      open.push(inst.out);
    }
  }
  return seen;
}

/** Each root becomes a list of its leaves, with a jump for every other root it reaches; the sum of the lists is the size. */
function flatten(prog: Prog, start: number, startUnanchored: number): number {
  const roots = new Set<number>([0, startUnanchored, start]);
  const predecessors = new Map<number, number[]>();
  for (const id of reachable(prog, startUnanchored)) {
    const inst = prog.at(id);
    if (inst.kind === 'alt' || inst.kind === 'alt-match') {
      for (const out of [inst.out, inst.out1]) {
        predecessors.set(out, [...(predecessors.get(out) ?? []), id]);
      }
    } else if (inst.kind === 'byte' || inst.kind === 'capture' || inst.kind === 'empty') {
      roots.add(inst.out);
    }
  }
  markDominators(prog, roots, predecessors, new Set([start, startUnanchored]));
  let size = 0;
  for (const root of roots) {
    for (const id of tree(prog, root, roots)) {
      const kind = prog.at(id).kind;
      const jump = id !== root && roots.has(id);
      if (jump || (kind !== 'alt' && kind !== 'nop')) {
        size += 1;
      }
    }
  }
  return size;
}

/** What more than one root reaches becomes a root itself. The order of the roots matters: later ones are looked at first. */
function markDominators(prog: Prog, roots: Set<number>, predecessors: ReadonlyMap<number, number[]>, starts: ReadonlySet<number>): void {
  for (const root of [...roots].sort((a, b) => b - a)) {
    if (root === 0 || starts.has(root)) {
      continue;
    }
    const own = tree(prog, root, roots);
    for (const id of own) {
      if ((predecessors.get(id) ?? []).some((one) => !own.has(one))) {
        roots.add(id);
      }
    }
  }
}
