/**
 * Cases are drawn in blocks, each from a seed of its own, so that whoever tries the last cases of many finds them as fast as the first:
 * to come to its n-th value fast-check has to pass all that are before.
 */
import fc from 'fast-check';

/** Cases of a block. Who shares a search out gets along best with whole blocks. */
export const BLOCK = 250;

/** Which cases to try, of the property of which number. */
export interface SearchRange {
  readonly seed: number;
  readonly count: number;
  /** Where to begin: empty = at the start, `500` = at a case, `17:1:0` = at a smaller variant of one, as fast-check writes it. */
  readonly path: string;
  /** From 1. */
  readonly number: number;
}

/** What came of it. */
export interface BlocksSearched<T> {
  /** Cases tried. */
  readonly runs: number;
  /** The smallest case that fails, and where to begin to find it again. */
  readonly found: { readonly value: T; readonly path: string } | null;
}

/** A path leads to no case: it was found with another seed, other policies or another version. */
export class NoSuchCase extends Error {}

/** Tries the cases of a range until one fails, and makes that one smaller. Equal seeds and paths give equal cases, in whatever parts they are tried. */
export function searchBlocks<T>({ seed, count, path }: SearchRange, property: fc.IProperty<[T]>): BlocksSearched<T> {
  const [first = '0', ...smaller] = path.split(':');
  const start = Number(first);
  let runs = 0;
  for (let at = start; at < start + count; ) {
    const block = Math.floor(at / BLOCK);
    const offset = at % BLOCK;
    const size = Math.min(BLOCK - offset, start + count - at);
    const how = { seed: seedOf(seed, block), numRuns: size };
    const tried =
      smaller.length > 0
        ? replayed(property, { ...how, path: [offset, ...smaller].join(':') })
        : fc.check(property, offset === 0 ? how : { ...how, path: String(offset) });
    runs += tried.numRuns;
    if (tried.failed && tried.counterexample !== null) {
      const [index = '0', ...steps] = (tried.counterexamplePath ?? '0').split(':');
      return { runs, found: { value: tried.counterexample[0], path: [block * BLOCK + Number(index), ...steps].join(':') } };
    }
    at += size;
  }
  return { runs, found: null };
}

/** One case, which need not be made smaller. */
function replayed<T>(
  property: fc.IProperty<[T]>,
  how: { readonly seed: number; readonly numRuns: number; readonly path: string },
): fc.RunDetails<[T]> {
  try {
    return fc.check(property, { ...how, endOnFailure: true });
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Unable to replay')) {
      throw new NoSuchCase(error.message);
    }
    throw error;
  }
}

/** The first block has the seed itself. @see https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp#fmix32 */
function seedOf(seed: number, block: number): number {
  if (block === 0) {
    return seed;
  }
  let mixed = (seed + Math.imul(block, 0x9e3779b9)) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
