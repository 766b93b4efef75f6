/**
 * The JSONPath templates of kubectl: text with `{…}` actions, as a list of nodes.
 * @see kubernetes:staging/src/k8s.io/client-go/util/jsonpath/parser.go
 */

/** A node of a template. */
export type PathNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly nodes: readonly PathNode[] }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'identifier'; readonly name: string }
  | { readonly kind: 'literal'; readonly value: number | boolean; readonly text: string }
  | { readonly kind: 'array'; readonly start: number | null; readonly end: number | null; readonly step: number | null }
  /** One index: `[3]`. */
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'filter'; readonly left: PathList; readonly operator: string; readonly right: PathList }
  | { readonly kind: 'union'; readonly lists: readonly PathList[] }
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'recursive' };

/** A list of nodes. */
export type PathList = Extract<PathNode, { readonly kind: 'list' }>;

/** A parsed template or the parser's message. */
export type ParsedPath = { readonly ok: true; readonly root: readonly PathNode[] } | { readonly ok: false; readonly error: string };

/** The message of a template that cannot be read. */
class PathError extends Error {}

/** More nesting than this is refused. */
const MAX_DEPTH = 50;

/** Parses a template. */
export function parseJsonPath(template: string): ParsedPath {
  try {
    return { ok: true, root: new Parser(template, 0).template() };
  } catch (error) {
    if (error instanceof PathError) {
      return { ok: false, error: error.message };
    }
    throw error;
  }
}

class Parser {
  readonly #input: string;
  readonly #depth: number;
  #at = 0;

  constructor(input: string, depth: number) {
    this.#input = input;
    this.#depth = depth;
    if (depth > MAX_DEPTH) {
      throw new PathError('nested too deep');
    }
  }

  template(): PathNode[] {
    const nodes: PathNode[] = [];
    while (this.#at < this.#input.length) {
      const open = this.#input.indexOf('{', this.#at);
      const text = this.#input.slice(this.#at, open < 0 ? undefined : open);
      if (text !== '') {
        nodes.push({ kind: 'text', text });
      }
      if (open < 0) {
        break;
      }
      this.#at = open + 1;
      nodes.push({ kind: 'list', nodes: this.#action() });
    }
    return nodes;
  }

  /** What stands between braces. */
  #action(): PathNode[] {
    const nodes: PathNode[] = [];
    for (;;) {
      if (this.#takes('}')) {
        return nodes;
      }
      if (this.#takes('[?(')) {
        nodes.push(this.#filter());
        continue;
      }
      if (this.#takes('..')) {
        this.#recursive(nodes);
        continue;
      }
      const c = this.#next();
      if (c === '' || c === '\n' || c === '\r') {
        throw new PathError('unclosed action');
      } else if (c === '[') {
        nodes.push(...this.#array());
      } else if (c === '"' || c === "'") {
        nodes.push(this.#quote(c));
      } else if (c === '.') {
        nodes.push(this.#field());
      } else if (/[-+0-9]/.test(c)) {
        this.#at--;
        nodes.push(this.#number());
      } else if (/[\p{L}\p{N}_]/u.test(c)) {
        this.#at--;
        nodes.push(this.#identifier());
      } else if (c !== ' ' && c !== '@' && c !== '$') {
        throw new PathError(`unrecognized character in action: ${codePoint(c)}`);
      }
    }
  }

  #recursive(nodes: PathNode[]): void {
    if (nodes.at(-1)?.kind === 'recursive') {
      throw new PathError('invalid multiple recursive descent');
    }
    nodes.push({ kind: 'recursive' });
    if (/[\p{L}\p{N}_]/u.test(this.#input.charAt(this.#at))) {
      nodes.push(this.#field());
    }
  }

  #field(): PathNode {
    const start = this.#at;
    for (let c = this.#next(); !isTerminator(c); c = this.#next()) {
      if (c === '\\') {
        this.#at++;
      }
    }
    this.#at = Math.min(this.#at - 1, this.#input.length);
    const name = this.#input.slice(start, this.#at);
    return name === '*' ? { kind: 'wildcard' } : { kind: 'field', name: name.replaceAll('\\', '') };
  }

  #identifier(): PathNode {
    const start = this.#at;
    while (!isTerminator(this.#input.charAt(this.#at))) {
      this.#at++;
    }
    const name = this.#input.slice(start, this.#at);
    return name === 'true' || name === 'false' ? { kind: 'literal', value: name === 'true', text: name } : { kind: 'identifier', name };
  }

  #number(): PathNode {
    const start = this.#at;
    while (/[-+0-9.]/.test(this.#input.charAt(this.#at)) && this.#at < this.#input.length) {
      this.#at++;
    }
    const text = this.#input.slice(start, this.#at);
    if (!/^[-+]?(\d+\.?\d*|\.\d+)$/.test(text)) {
      throw new PathError(`cannot parse number ${text}`);
    }
    return { kind: 'literal', value: Number(text), text: String(Number(text)) };
  }

  #quote(end: string): PathNode {
    const start = this.#at;
    for (let c = this.#next(); c !== end; c = this.#next()) {
      if (c === '' || c === '\n') {
        throw new PathError('unterminated quoted string');
      }
      if (c === '\\') {
        this.#at++;
      }
    }
    const text = unquote(this.#input.slice(start, this.#at - 1));
    if (text === null) {
      throw new PathError(`unquote string ${end}${this.#input.slice(start, this.#at - 1)}${end} error invalid syntax`);
    }
    return { kind: 'text', text };
  }

  #array(): readonly PathNode[] {
    const start = this.#at;
    for (let c = this.#next(); c !== ']'; c = this.#next()) {
      if (c === '' || c === '\n') {
        throw new PathError('unterminated array');
      }
    }
    const inside = this.#input.slice(start, this.#at - 1);
    const text = inside === '*' ? ':' : inside;
    const parts = text.split(',');
    if (parts.length > 1) {
      return [{ kind: 'union', lists: parts.map((part) => this.#inner(`[${part.trim()}]`)) }];
    }
    const key = /^'([^']*)'$/.exec(text);
    if (key !== null) {
      return this.#inner(`.${key[1] ?? ''}`).nodes;
    }
    const slice = /^(-?\d*)(:-?\d*)?(:-?\d*)?$/.exec(text);
    if (slice === null) {
      throw new PathError(`invalid array index ${text}`);
    }
    if ([slice[1], slice[2], slice[3]].some((one) => one === '-' || one === ':-')) {
      throw new PathError('array index - is not a number');
    }
    const [, first = '', second, third] = slice;
    if (second === undefined) {
      return [{ kind: 'index', index: Number(first) }];
    }
    const bound = (part: string | undefined): number | null =>
      part === undefined || part === '' || part === ':' ? null : Number(part.replace(/^:/, ''));
    return [{ kind: 'array', start: bound(first), end: bound(second), step: bound(third) }];
  }

  #filter(): PathNode {
    const start = this.#at;
    let quote = '';
    let closed = false;
    for (;;) {
      const c = this.#next();
      if (c === '' || c === '\n') {
        throw new PathError('unterminated filter');
      }
      if ((c === '"' || c === "'") && quote === '') {
        quote = c;
      } else if (c === quote && this.#input.charAt(this.#at - 2) !== '\\') {
        closed = true;
      } else if (c === ')' && (quote === '' || closed)) {
        break;
      }
    }
    if (this.#next() !== ']') {
      throw new PathError('unclosed array expect ]');
    }
    const text = this.#input.slice(start, this.#at - 2);
    const parts = /^([^!<>=]+)([!<>=]+)(.+?)$/.exec(text);
    if (parts === null) {
      return { kind: 'filter', left: this.#inner(text), operator: 'exists', right: { kind: 'list', nodes: [] } };
    }
    const [, left = '', operator = '', right = ''] = parts;
    return { kind: 'filter', left: this.#inner(left), operator, right: this.#inner(right) };
  }

  /** A part that is read as an action of its own. */
  #inner(text: string): PathList {
    const [first] = new Parser(`{${text}}`, this.#depth + 1).template();
    return first?.kind === 'list' ? first : { kind: 'list', nodes: [] };
  }

  #takes(word: string): boolean {
    if (!this.#input.startsWith(word, this.#at)) {
      return false;
    }
    this.#at += word.length;
    return true;
  }

  /** The next character; empty at the end. */
  #next(): string {
    return this.#input.charAt(this.#at++);
  }
}

function isTerminator(c: string): boolean {
  return c === '' || /[\s.,[\]$@{}]/.test(c);
}

/** `U+0023 '#'` */
function codePoint(c: string): string {
  return `U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')} '${c}'`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** Go's escapes; `null` if one is unknown. @see kubernetes:staging/src/k8s.io/client-go/util/jsonpath/parser.go#UnquoteExtend */
function unquote(text: string): string | null {
  let bad = false;
  const plain = text.replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[\s\S]|$)/g, (_all, code: string) => {
    if (code.length > 1) {
      return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
    }
    const known = Object.hasOwn(ESCAPES, code) ? ESCAPES[code] : undefined;
    bad ||= known === undefined;
    return known ?? '';
  });
  return bad ? null : plain;
}
