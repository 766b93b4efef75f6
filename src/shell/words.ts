/**
 * Splits a command line into words as a shell does: blanks separate, quotes and backslashes protect.
 * @remarks Not modelled: pipes, redirections, expansions, globs. Their characters are an error outside quotes, except `?`, `*`, `[`, `$name`,
 * which stay as they are, so that addresses and `$agent` can be pasted.
 */

/** The words, or what is wrong with the line. */
export type Words = { readonly ok: true; readonly words: readonly string[] } | { readonly ok: false; readonly error: string };

/** Splits a line. */
export function splitWords(line: string): Words {
  const words: string[] = [];
  let word: string | null = null;
  for (let i = 0; i < line.length; i++) {
    const c = line.charAt(i);
    if (c === ' ' || c === '\t' || c === '\n' || c === '\r') {
      if (word !== null) {
        words.push(word);
        word = null;
      }
    } else if (c === "'" || c === '"') {
      const end = closing(line, i);
      if (end < 0) {
        return { ok: false, error: `the quote ${c} opened at character ${i + 1} is not closed` };
      }
      word = (word ?? '') + (c === "'" ? line.slice(i + 1, end) : line.slice(i + 1, end).replace(/\\(["\\$`])/g, '$1'));
      i = end;
    } else if (c === '\\') {
      i++;
      word = (word ?? '') + (line.charAt(i) === '\n' ? '' : line.charAt(i));
    } else if ('|<>;&`()'.includes(c) || (c === '$' && line.charAt(i + 1) === '(')) {
      return {
        ok: false,
        error: `'${c}' at character ${i + 1}: pipes, redirections and substitutions are not available here; quote the character if it is meant literally`,
      };
    } else {
      word = (word ?? '') + c;
    }
  }
  if (word !== null) {
    words.push(word);
  }
  return { ok: true, words };
}

/** Index of the quote that closes the one at `start`, or -1. */
function closing(line: string, start: number): number {
  const quote = line.charAt(start);
  for (let i = start + 1; i < line.length; i++) {
    if (quote === '"' && line.charAt(i) === '\\') {
      i++;
    } else if (line.charAt(i) === quote) {
      return i;
    }
  }
  return -1;
}
