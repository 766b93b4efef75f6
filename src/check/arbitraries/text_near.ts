/**
 * Texts near a regular expression: some that it matches, made by walking through it, and their neighbours. A small reader of expressions is enough: what it does
 * not understand it takes literally, and a text that is not near after all is only a wasted case.
 */

const MAX = 96;

/** Matching texts first, neighbours after. */
export function textsNear(expression: string): string[] {
  const matching = samples(expression);
  const neighbours = matching.flatMap(neighboursOf);
  return [...new Set([...matching, ...neighbours])].slice(0, MAX);
}

/** Some texts that an expression matches. */
export function samples(expression: string): string[] {
  const reader = { text: expression, at: 0 };
  return [...new Set(alternatives(reader))].slice(0, 8);
}

/** A text and what differs from it in one thing: a segment more or less, a slash, a letter, a query, an escape. */
export function neighboursOf(text: string): string[] {
  const cut = text.lastIndexOf('/');
  const first = text.search(/[a-z]/);
  const escaped = first < 0 ? text : `${text.slice(0, first)}%${text.charCodeAt(first).toString(16)}${text.slice(first + 1)}`;
  return [
    text.slice(0, -1),
    `${text}x`,
    `${text}/`,
    cut > 0 ? text.slice(0, cut) : '/',
    cut > 0 ? text.slice(0, cut + 1) : '/',
    `${text}/more`,
    `${text}?q=1`,
    text.toUpperCase(),
    text.replace('/', '//'),
    `/x/..${text}`,
    `/x/%2E%2e${text}`,
    text.replace('/', '/./'),
    cut > 0 ? `${text.slice(0, cut)}/x/..${text.slice(cut)}` : text,
    `${text}/..`,
    `${text}?`,
    `${text};x=1`,
    cut > 0 ? `${text.slice(0, cut)}%2f${text.slice(cut + 1)}` : `${text}%2F`,
    cut > 0 ? `${text.slice(0, cut)}\\${text.slice(cut + 1)}` : text,
    escaped,
  ].filter((one) => one !== text && one !== '');
}

interface Reader {
  readonly text: string;
  at: number;
}

function alternatives(reader: Reader): string[] {
  const found = sequence(reader);
  while (reader.text[reader.at] === '|') {
    reader.at++;
    found.push(...sequence(reader));
  }
  return found.slice(0, 8);
}

function sequence(reader: Reader): string[] {
  let texts = [''];
  while (reader.at < reader.text.length && reader.text[reader.at] !== '|' && reader.text[reader.at] !== ')') {
    const parts = repeated(reader, atom(reader));
    texts = texts.flatMap((text) => parts.map((part) => text + part)).slice(0, 8);
  }
  return texts;
}

function repeated(reader: Reader, texts: readonly string[]): readonly string[] {
  const sign = reader.text[reader.at];
  if (sign === '*' || sign === '?') {
    reader.at++;
    return ['', ...texts];
  }
  if (sign === '+') {
    reader.at++;
    return [...texts, ...texts.map((text) => text + text)];
  }
  const counted = sign === '{' ? /^\{(\d+)(,\d*)?\}/.exec(reader.text.slice(reader.at)) : null;
  if (counted !== null) {
    reader.at += counted[0].length;
    return texts.map((text) => text.repeat(Math.min(Number(counted[1]), 20)));
  }
  return texts;
}

function atom(reader: Reader): string[] {
  const sign = reader.text[reader.at] ?? '';
  reader.at++;
  switch (sign) {
    case '(': {
      const flags = /^\?(?:[a-zA-Z]*:|P?<[a-zA-Z]+>)/.exec(reader.text.slice(reader.at));
      reader.at += flags?.[0].length ?? 0;
      const inner = alternatives(reader);
      reader.at++;
      return inner;
    }
    case '[':
      return characterClass(reader);
    case '.':
      return ['a', '/'];
    case '^':
    case '$':
      return [''];
    case '\\': {
      const escaped = reader.text[reader.at] ?? '';
      reader.at++;
      const known: Readonly<Record<string, string>> = { d: '0', w: 'a', s: ' ', D: 'a', W: '-', S: 'a' };
      return [known[escaped] ?? escaped];
    }
    default:
      return [sign];
  }
}

/** The first and the last character of the class. */
function characterClass(reader: Reader): string[] {
  const end = reader.text.indexOf(']', reader.at + 1);
  const inside = reader.text.slice(reader.at, end < 0 ? undefined : end);
  reader.at = end < 0 ? reader.text.length : end + 1;
  if (inside.startsWith('^')) {
    return ['a', '0', '-'].filter((one) => !inside.includes(one)).slice(0, 1);
  }
  return [...new Set([inside.at(0) ?? '', inside.at(-1) ?? ''])];
}
