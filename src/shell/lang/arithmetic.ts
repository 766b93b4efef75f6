/** `$((…))`: integers, variables, the operators people use. @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html#tag_18_06_04 */

/** A value, or what is wrong with the expression. */
export type ArithmeticResult = { readonly ok: true; readonly value: number } | { readonly ok: false; readonly error: string };

/** Binary operators by how strongly they bind, weakest first. */
const LEVELS: readonly (readonly string[])[] = [['||'], ['&&'], ['==', '!='], ['<=', '>=', '<', '>'], ['+', '-'], ['*', '/', '%']];
/** Parentheses and signs may nest this deep. */
const MAX_DEPTH = 40;

/** Evaluates an expression. `variable`: the value of a name. @remarks Simplified: 53 bits; no assignments, shifts or bit operators. */
export function evaluate(expression: string, variable: (name: string) => string): ArithmeticResult {
  const tokens = expression.match(/[0-9]+|[A-Za-z_][A-Za-z0-9_]*|\|\||&&|[=!<>]=|[-+*/%()<>!?:]|\S/g) ?? [];
  let at = 0;
  let depth = 0;
  let error: string | null = null;
  const fail = (message: string): number => {
    error ??= message;
    at = tokens.length;
    return 0;
  };
  const binary = (level: number): number => {
    const operators = LEVELS[level];
    if (operators === undefined) {
      return unary();
    }
    let left = binary(level + 1);
    for (let operator = tokens[at]; operator !== undefined && operators.includes(operator); operator = tokens[at]) {
      at++;
      left = apply(operator, left, binary(level + 1), fail);
    }
    return left;
  };
  const unary = (): number => {
    const token = tokens[at++];
    if (token === undefined) {
      return fail('operand expected');
    }
    if (++depth > MAX_DEPTH) {
      return fail('expression recursion level exceeded');
    }
    let value: number;
    if (token === '-' || token === '+' || token === '!') {
      const operand = unary();
      value = token === '-' ? 0 - operand : token === '!' ? Number(operand === 0) : operand;
    } else if (token === '(') {
      value = binary(0);
      if (tokens[at++] !== ')') {
        return fail("missing ')'");
      }
    } else if (/^[0-9]/.test(token)) {
      value = Number(token);
    } else if (/^[A-Za-z_]/.test(token)) {
      const text = variable(token).trim();
      value = text === '' ? 0 : /^-?[0-9]+$/.test(text) ? Number(text) : fail(`'${text}' is no number`);
    } else {
      return fail(`syntax error: operand expected (error token is "${token}")`);
    }
    depth--;
    return value;
  };
  const value = tokens.length === 0 ? 0 : binary(0);
  if (error === null && at < tokens.length) {
    error = `syntax error in expression (error token is "${tokens[at] as string}")`;
  }
  return error === null ? { ok: true, value: value + 0 } : { ok: false, error };
}

function apply(operator: string, a: number, b: number, fail: (message: string) => number): number {
  switch (operator) {
    case '||':
      return Number(a !== 0 || b !== 0);
    case '&&':
      return Number(a !== 0 && b !== 0);
    case '==':
      return Number(a === b);
    case '!=':
      return Number(a !== b);
    case '<=':
      return Number(a <= b);
    case '>=':
      return Number(a >= b);
    case '<':
      return Number(a < b);
    case '>':
      return Number(a > b);
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    default:
      return b === 0 ? fail('division by 0') : operator === '/' ? Math.trunc(a / b) : a % b;
  }
}
