/** Shell patterns: `*`, `?`, `[a-z]`. @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html#tag_18_13 */

/** One place of a pattern: any text, or one character of a set. */
type Item = '*' | ((c: string) => boolean);

/** Whether a pattern matches a whole text. Time is the product of both lengths. */
export function matchesPattern(pattern: string, text: string): boolean {
  const items = parsePattern(pattern);
  // Places in the pattern that can be reached after the characters read so far.
  let reached = spread(items, new Set([0]));
  for (const c of text) {
    const next = new Set<number>();
    for (const at of reached) {
      const item = items[at];
      if (item === '*') {
        next.add(at);
      } else if (item?.(c) === true) {
        next.add(at + 1);
      }
    }
    reached = spread(items, next);
    if (reached.size === 0) {
      return false;
    }
  }
  return reached.has(items.length);
}

/** `${name#pattern}` and its relatives: the text without the shortest or longest match at an end. */
export function removeMatch(text: string, pattern: string, operator: string): string {
  const lengths = Array.from({ length: text.length + 1 }, (_, i) => i);
  const order = operator.length === 2 ? lengths.reverse() : lengths;
  for (const length of order) {
    if (operator.startsWith('#') && matchesPattern(pattern, text.slice(0, length))) {
      return text.slice(length);
    }
    if (operator.startsWith('%') && matchesPattern(pattern, text.slice(text.length - length))) {
      return text.slice(0, text.length - length);
    }
  }
  return text;
}

/** A text with the characters of patterns made ordinary. */
export function escapePattern(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&');
}

function spread(items: readonly Item[], places: Set<number>): Set<number> {
  for (const at of places) {
    if (items[at] === '*') {
      places.add(at + 1);
    }
  }
  return places;
}

function parsePattern(pattern: string): Item[] {
  const items: Item[] = [];
  const characters = [...pattern];
  for (let i = 0; i < characters.length; i++) {
    const c = characters[i] as string;
    const close = c === '[' ? characters.indexOf(']', characters[i + 1] === '!' || characters[i + 1] === '^' ? i + 3 : i + 2) : -1;
    if (c === '*') {
      items.push('*');
    } else if (c === '?') {
      items.push(() => true);
    } else if (close > 0) {
      items.push(characterSet(characters.slice(i + 1, close)));
      i = close;
    } else {
      const literal = c === '\\' && i + 1 < characters.length ? (characters[++i] as string) : c;
      items.push((one) => one === literal);
    }
  }
  return items;
}

function characterSet(members: readonly string[]): (c: string) => boolean {
  const negated = members[0] === '!' || members[0] === '^';
  const set = negated ? members.slice(1) : members;
  return (c) => {
    for (let i = 0; i < set.length; i++) {
      const from = set[i] as string;
      const to = set[i + 1] === '-' && i + 2 < set.length ? (set[i + 2] as string) : from;
      if (c >= from && c <= to) {
        return !negated;
      }
      i += to === from ? 0 : 2;
    }
    return negated;
  };
}
