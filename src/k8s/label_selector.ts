/**
 * Label selectors as text: `app=x,tier!=db,env in (a, b),!legacy,replicas>2`.
 * @see kubernetes:staging/src/k8s.io/apimachinery/pkg/labels/selector.go#Parse
 */
import { labelValueIssues, qualifiedNameIssues } from './label_syntax.ts';

/** Labels of an object. */
type Labels = Readonly<Record<string, string>>;

/** One condition; `exists` and `!` have no values. */
export interface Requirement {
  readonly key: string;
  readonly operator: 'in' | 'notin' | '=' | '==' | '!=' | '>' | '<' | 'exists' | '!';
  readonly values: readonly string[];
}

/** A parsed selector or the parser's message. */
export type SelectorText =
  | { readonly ok: true; readonly requirements: readonly Requirement[] }
  | { readonly ok: false; readonly error: string };

/** Whether labels meet all requirements. */
export function meetsRequirements(requirements: readonly Requirement[], labels: Labels): boolean {
  return requirements.every((requirement) => meets(requirement, labels));
}

/** @see kubernetes:staging/src/k8s.io/apimachinery/pkg/labels/selector.go#Requirement.Matches */
function meets({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
    case '=':
    case '==':
      return value !== undefined && values.includes(value);
    case 'notin':
    case '!=':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case '>':
    case '<': {
      const [number, bound] = [integer(value), integer(values[0])];
      return number !== null && bound !== null && (operator === '>' ? number > bound : number < bound);
    }
  }
}

/** Parses a selector; an empty text takes everything. */
export function parseLabelSelector(text: string): SelectorText {
  const parser = new Parser(scan(text));
  const requirements = parser.requirements();
  return typeof requirements === 'string' ? { ok: false, error: requirements } : { ok: true, requirements };
}

interface Token {
  readonly kind: 'identifier' | 'symbol' | 'keyword' | 'error' | 'end';
  readonly text: string;
}

const SYMBOLS = [')', ',', '!', '==', '=', '>', '<', '!=', '('];
const OPERATORS = ['in', 'notin', '=', '==', '!=', 'gt', 'lt'];
const END: Token = { kind: 'end', text: '' };

function scan(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const c = text.charAt(at);
    if (/[ \t\r\n]/.test(c)) {
      at++;
    } else if (/[=!(),<>]/.test(c)) {
      const symbol = SYMBOLS.filter((one) => text.startsWith(one, at)).reduce(
        (longest, one) => (one.length > longest.length ? one : longest),
        '',
      );
      tokens.push({ kind: 'symbol', text: symbol });
      at += symbol.length;
    } else {
      const word = /^[^=!(),<> \t\r\n]+/.exec(text.slice(at))?.[0] ?? c;
      tokens.push({ kind: word === 'in' || word === 'notin' ? 'keyword' : 'identifier', text: word });
      at += word.length;
    }
  }
  return tokens;
}

/** Methods return a text when they fail: the message. */
class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  requirements(): Requirement[] | string {
    const found: Requirement[] = [];
    for (;;) {
      const token = this.#peek();
      if (token.kind === 'end') {
        return found;
      }
      if (token.kind !== 'identifier' && token.text !== '!') {
        return `found '${token.text}', expected: !, identifier, or 'end of string'`;
      }
      const requirement = this.#requirement();
      if (typeof requirement === 'string') {
        return `unable to parse requirement: ${requirement}`;
      }
      found.push(requirement);
      const after = this.#take();
      if (after.kind === 'end') {
        return found;
      }
      if (after.text !== ',') {
        return `found '${after.text}', expected: ',' or 'end of string'`;
      }
      const next = this.#peek();
      if (next.kind !== 'identifier' && next.text !== '!') {
        return `found '${next.text}', expected: identifier after ','`;
      }
    }
  }

  #requirement(): Requirement | string {
    const negated = this.#peek().text === '!';
    if (negated) {
      this.#take();
    }
    const key = this.#take();
    if (key.kind !== 'identifier') {
      return `found '${key.text}', expected: identifier`;
    }
    const issues = qualifiedNameIssues(key.text);
    if (issues.length > 0) {
      return `<nil>: Invalid value: ${JSON.stringify(key.text)}: ${issues.join('; ')}`;
    }
    const next = this.#peek();
    if (negated || next.kind === 'end' || next.text === ',') {
      return { key: key.text, operator: negated ? '!' : 'exists', values: [] };
    }
    return this.#withOperator(key.text);
  }

  #withOperator(key: string): Requirement | string {
    const { kind, text } = this.#tokens[this.#at++] ?? END;
    if (kind === 'keyword') {
      const values = this.#values();
      return typeof values === 'string' ? values : checked({ key, operator: text === 'in' ? 'in' : 'notin', values });
    }
    if (kind === 'symbol' && (text === '=' || text === '==' || text === '!=' || text === '>' || text === '<')) {
      const next = this.#peek();
      if (next.kind === 'end' || next.text === ',') {
        return checked({ key, operator: text, values: [''] });
      }
      this.#take();
      return next.kind === 'identifier'
        ? checked({ key, operator: text, values: [next.text] })
        : `found '${next.text}', expected: identifier`;
    }
    return `found '${text}', expected: ${OPERATORS.join(', ')}`;
  }

  /** `(a, b,)`: an empty place is an empty value. */
  #values(): string[] | string {
    const open = this.#take();
    if (open.text !== '(') {
      return `found '${open.text}' expected: '('`;
    }
    const values = new Set<string>();
    let wantsValue = true;
    for (;;) {
      const { kind, text } = this.#take();
      if (kind === 'identifier') {
        values.add(text);
        wantsValue = false;
        const next = this.#peek();
        if (next.text !== ',' && next.text !== ')') {
          return `found '${next.text}', expected: ',' or ')'`;
        }
      } else if (text === ',') {
        if (wantsValue) {
          values.add('');
        }
        wantsValue = true;
      } else if (text === ')') {
        if (wantsValue && this.#tokens[this.#at - 2]?.text === ',') {
          values.add('');
        }
        return [...values].sort();
      } else {
        return `found '${text}', expected: ',', ')' or identifier`;
      }
    }
  }

  /** The next token; a keyword where a value may stand is a word like others. */
  #peek(): Token {
    const token = this.#tokens[this.#at] ?? END;
    return token.kind === 'keyword' ? { kind: 'identifier', text: token.text } : token;
  }

  #take(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }
}

/** @see kubernetes:staging/src/k8s.io/apimachinery/pkg/labels/selector.go#NewRequirement */
function checked(requirement: Requirement): Requirement | string {
  const { key, operator, values } = requirement;
  if ((operator === 'in' || operator === 'notin') && values.length === 0) {
    return "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty";
  }
  if ((operator === '>' || operator === '<') && integer(values[0]) === null) {
    return `values[0]: Invalid value: ${JSON.stringify(values[0])}: for 'Gt', 'Lt' operators, the value must be an integer`;
  }
  for (const [i, value] of values.entries()) {
    const issues = labelValueIssues(value);
    if (issues.length > 0) {
      return `values[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: ${issues.join('; ')}`;
    }
  }
  return requirement;
}

function integer(text: string | undefined): bigint | null {
  return text !== undefined && /^[-+]?\d+$/.test(text) ? BigInt(text.replace(/^\+/, '')) : null;
}
