/** Where a text stops being JSON: the platform's parser says it in its own ways. @see https://www.rfc-editor.org/rfc/rfc8259 */

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const BLANKS = /[ \t\r\n]*/y;

/** Offset of the first character that cannot stand where it stands; the length of the text if it ends too early, `null` if it is JSON. */
export function jsonErrorOffset(text: string): number | null {
  // What must close the open containers, innermost last; what may come next.
  const open: ('}' | ']')[] = [];
  let state: 'value' | 'firstValue' | 'key' | 'firstKey' | 'after' = 'value';
  let at = skip(BLANKS, text, 0);
  for (;;) {
    const c = text.charAt(at);
    if (state === 'after') {
      if (open.length === 0) {
        return at === text.length ? null : at;
      }
      if (c === ',') {
        state = open.at(-1) === '}' ? 'key' : 'value';
        at = skip(BLANKS, text, at + 1);
      } else if (c === open.at(-1)) {
        open.pop();
        at = skip(BLANKS, text, at + 1);
      } else {
        return at;
      }
      continue;
    }
    if ((state === 'firstKey' && c === '}') || (state === 'firstValue' && c === ']')) {
      state = 'after';
      continue;
    }
    if (state === 'key' || state === 'firstKey') {
      const end = skip(STRING, text, at);
      const colon = skip(BLANKS, text, end);
      if (end === at || text.charAt(colon) !== ':') {
        return end === at ? at : colon;
      }
      at = skip(BLANKS, text, colon + 1);
      state = 'value';
      continue;
    }
    if (c === '{' || c === '[') {
      open.push(c === '{' ? '}' : ']');
      state = c === '{' ? 'firstKey' : 'firstValue';
      at = skip(BLANKS, text, at + 1);
      continue;
    }
    const end = scalarEnd(text, at);
    if (end === at) {
      return at;
    }
    at = skip(BLANKS, text, end);
    state = 'after';
  }
}

function scalarEnd(text: string, at: number): number {
  const word = ['true', 'false', 'null'].find((one) => text.startsWith(one, at));
  return word === undefined ? Math.max(skip(STRING, text, at), skip(NUMBER, text, at)) : at + word.length;
}

/** The end of what an expression matches at a place; the place itself if it does not. */
function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  const match = pattern.exec(text);
  return match === null ? at : at + match[0].length;
}
