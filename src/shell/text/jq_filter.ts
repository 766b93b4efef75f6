/** The expressions of jq: parsed once, then applied to values. */

import { FUNCTIONS, HIGHER } from './jq_functions.ts';
import {
  add,
  both,
  collect,
  compareBy,
  descend,
  type Filter,
  first,
  index,
  items,
  JqError,
  multiply,
  quiet,
  slice,
  subtract,
  textOf,
  truthy,
} from './jq_values.ts';

/** Expressions may nest this deep. */
const MAX_DEPTH = 60;
const COMPARISONS = ['==', '!=', '<=', '>=', '<', '>'];

/** Parses an expression, or says what is wrong with it. */
export function parseJq(text: string): Filter | string {
  const tokens =
    text.match(
      /"(?:[^"\\]|\\.)*"|[0-9]+(?:\.[0-9]+)?|\.\.|\.[A-Za-z_][A-Za-z0-9_]*|[A-Za-z_@][A-Za-z0-9_]*|==|!=|<=|>=|\/\/|[[\]{}().,|:<>+*/%?$-]|\S/g,
    ) ?? [];
  const parser = new JqParser(tokens);
  try {
    const filter = parser.pipe();
    return parser.atEnd ? filter : `syntax error, unexpected '${parser.next()}'`;
  } catch (error) {
    if (error instanceof JqError) {
      return error.message;
    }
    throw error;
  }
}

class JqParser {
  readonly #tokens: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  get atEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  next(): string {
    return this.#tokens[this.#at++] ?? '';
  }

  pipe(): Filter {
    if (++this.#depth > MAX_DEPTH) {
      throw new JqError('the expression is nested too deep');
    }
    let left = this.#comma();
    while (this.#take('|')) {
      const [first, second] = [left, this.#comma()];
      left = function* (input) {
        for (const value of first(input)) {
          yield* second(value);
        }
      };
    }
    this.#depth--;
    return left;
  }

  #comma(): Filter {
    const filters = [this.#alternative()];
    while (this.#take(',')) {
      filters.push(this.#alternative());
    }
    return filters.length === 1
      ? (filters[0] as Filter)
      : function* (input) {
          for (const filter of filters) {
            yield* filter(input);
          }
        };
  }

  #alternative(): Filter {
    const first = this.#logical();
    if (!this.#take('//')) {
      return first;
    }
    const second = this.#alternative();
    return function* (input) {
      const good = [...first(input)].filter((value) => value !== null && value !== false);
      yield* good.length > 0 ? good : second(input);
    };
  }

  #logical(): Filter {
    let left = this.#comparison();
    for (let word = this.#peek(); word === 'and' || word === 'or'; word = this.#peek()) {
      this.#at++;
      left = both(left, this.#comparison(), word === 'and' ? (a, b) => truthy(a) && truthy(b) : (a, b) => truthy(a) || truthy(b));
    }
    return left;
  }

  #comparison(): Filter {
    const left = this.#sum();
    const operator = this.#peek();
    if (!COMPARISONS.includes(operator)) {
      return left;
    }
    this.#at++;
    return both(left, this.#sum(), (a, b) => compareBy(operator, a, b));
  }

  #sum(): Filter {
    let left = this.#product();
    for (let operator = this.#peek(); operator === '+' || operator === '-'; operator = this.#peek()) {
      this.#at++;
      left = both(left, this.#product(), operator === '+' ? add : subtract);
    }
    return left;
  }

  #product(): Filter {
    let left = this.#postfix();
    for (let operator = this.#peek(); operator === '*' || operator === '/' || operator === '%'; operator = this.#peek()) {
      this.#at++;
      left = both(left, this.#postfix(), (a, b) => multiply(operator, a, b));
    }
    return left;
  }

  /** A term with its `.name`, `[index]`, `[]`, `?`. */
  #postfix(): Filter {
    let filter = this.#term();
    for (;;) {
      const token = this.#peek();
      if (/^\.[A-Za-z_]/.test(token)) {
        this.#at++;
        filter = index(filter, () => [token.slice(1)]);
      } else if (token === '.' && /^["[]/.test(this.#tokens[this.#at + 1] ?? '')) {
        this.#at++;
        filter = this.#peek() === '[' ? filter : index(filter, this.#term());
      } else if (token === '[') {
        this.#at++;
        filter = this.#brackets(filter);
      } else if (token === '?') {
        this.#at++;
        filter = quiet(filter);
      } else {
        return filter;
      }
    }
  }

  #brackets(filter: Filter): Filter {
    if (this.#take(']')) {
      return function* (input) {
        for (const value of filter(input)) {
          yield* items(value);
        }
      };
    }
    const from = this.#peek() === ':' ? null : this.pipe();
    if (this.#take(':')) {
      const to = this.#peek() === ']' ? null : this.pipe();
      this.#expect(']');
      return function* (input) {
        for (const value of filter(input)) {
          yield slice(value, from === null ? 0 : first(from(input)), to === null ? undefined : first(to(input)));
        }
      };
    }
    this.#expect(']');
    return index(filter, from as Filter);
  }

  #term(): Filter {
    const token = this.next();
    if (token === '..') {
      return function* (input) {
        yield* descend(input, 0);
      };
    }
    if (token === '.') {
      const quoted = this.#peek().startsWith('"');
      return quoted ? index(identity, this.#term()) : identity;
    }
    if (/^\.[A-Za-z_]/.test(token)) {
      return index(identity, () => [token.slice(1)]);
    }
    if (/^[0-9]/.test(token)) {
      return () => [Number(token)];
    }
    if (token === '-') {
      const operand = this.#postfix();
      return both(() => [0], operand, subtract);
    }
    if (token.startsWith('"') && token.length > 1) {
      return this.#string(token);
    }
    if (token === '(') {
      const inner = this.pipe();
      this.#expect(')');
      return inner;
    }
    if (token === '[') {
      const inner = this.#peek() === ']' ? (): unknown[] => [] : this.pipe();
      this.#expect(']');
      return (input) => [collect(inner(input))];
    }
    if (token === '{') {
      return this.#object();
    }
    return this.#call(token);
  }

  /** A text with `\(…)` in it. */
  #string(token: string): Filter {
    const body = token.slice(1, -1);
    const parts = body.split(/\\\(((?:[^()]|\([^()]*\))*)\)/);
    const filters = parts.map((part, i): Filter => {
      if (i % 2 === 1) {
        const inner = parseJq(part.replaceAll('\\"', '"'));
        if (typeof inner === 'string') {
          throw new JqError(inner);
        }
        return inner;
      }
      const text = tryString(part);
      return () => [text];
    });
    return function* (input) {
      yield filters.map((filter) => textOf(first(filter(input)))).join('');
    };
  }

  #object(): Filter {
    const members: { readonly key: Filter; readonly value: Filter }[] = [];
    while (this.#peek() !== '}') {
      const token = this.next();
      const name = token.startsWith('"') ? tryString(token.slice(1, -1)) : token;
      if (token !== '(' && !/^[A-Za-z_]/.test(name) && !token.startsWith('"')) {
        throw new JqError(`syntax error, unexpected '${token === '' ? 'end' : token}' in an object`);
      }
      let key: Filter = () => [name];
      if (token === '(') {
        key = this.pipe();
        this.#expect(')');
      }
      members.push({ key, value: this.#take(':') ? this.#alternative() : index(identity, key) });
      if (!this.#take(',')) {
        break;
      }
    }
    this.#expect('}');
    return function* (input) {
      let objects: Record<string, unknown>[] = [{}];
      for (const { key, value } of members) {
        const values = collect(value(input));
        const name = textOf(first(key(input)));
        objects = objects.flatMap((object) => values.map((one) => ({ ...object, [name]: one })));
      }
      yield* objects;
    };
  }

  #call(name: string): Filter {
    const argument = this.#take('(') ? this.pipe() : null;
    if (argument !== null) {
      this.#expect(')');
    }
    const constant = { true: true, false: false, null: null }[name];
    if (constant !== undefined) {
      return () => [constant];
    }
    const simple = argument === null && Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    if (simple !== undefined) {
      return (input) => [simple(input)];
    }
    const higher = argument !== null && Object.hasOwn(HIGHER, name) ? HIGHER[name] : undefined;
    if (higher !== undefined) {
      return higher(argument as Filter);
    }
    if (name === 'empty') {
      return () => [];
    }
    const known = [...Object.keys(FUNCTIONS), ...Object.keys(HIGHER).map((one) => `${one}(…)`), 'empty'].join(', ');
    throw new JqError(name === '' ? 'syntax error, unexpected end of the expression' : `${name} is not available here; there are ${known}`);
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? '';
  }

  #take(token: string): boolean {
    const found = this.#peek() === token;
    this.#at += found ? 1 : 0;
    return found;
  }

  #expect(token: string): void {
    if (!this.#take(token)) {
      throw new JqError(`syntax error, unexpected '${this.#peek() === '' ? 'end' : this.#peek()}' instead of '${token}'`);
    }
  }
}

const identity: Filter = (input) => [input];

/** The text between quotes. */
function tryString(body: string): string {
  try {
    return JSON.parse(`"${body}"`) as string;
  } catch {
    throw new JqError(`"${body}" is no text`);
  }
}
