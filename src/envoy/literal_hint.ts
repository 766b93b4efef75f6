/**
 * What a value must begin with, or be, to match an expression: cheap to know beforehand, so that most rules of many need not be asked.
 * Envoy has no such index; it changes no verdict.
 */

/** A necessary condition for a match. */
export interface LiteralHint {
  readonly kind: 'exact' | 'prefix';
  /** Not empty. */
  readonly text: string;
}

const PLAIN = /[A-Za-z0-9_/ :,=&%@~!"#'<>;`-]/;

/** The hint of an RE2 expression, or `null` if nothing can be said without understanding more of it. */
export function literalHint(pattern: string): LiteralHint | null {
  if (hasTopLevelAlternative(pattern)) {
    return null;
  }
  let text = '';
  let at = pattern.startsWith('^') ? 1 : 0;
  for (; at < pattern.length; at++) {
    const character = pattern[at] as string;
    if (PLAIN.test(character)) {
      text += character;
    } else if (character === '\\' && /[./+*?()[\]{}|^$\\-]/.test(pattern[at + 1] ?? '')) {
      text += pattern[at + 1] as string;
      at += 1;
    } else {
      break;
    }
  }
  const rest = pattern.slice(at);
  if (rest === '' || rest === '$') {
    return hint('exact', text);
  }
  // What a quantifier takes back is not certain; `+` wants it once.
  return hint('prefix', /^[*?{]/.test(rest) ? text.slice(0, -1) : text);
}

function hint(kind: LiteralHint['kind'], text: string): LiteralHint | null {
  return text === '' ? null : { kind, text };
}

/** Whether `|` stands outside all groups. An expression with quoting says yes, to be on the safe side. */
function hasTopLevelAlternative(pattern: string): boolean {
  if (!pattern.includes('|')) {
    return pattern.includes('\\Q');
  }
  let depth = 0;
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i];
    if (character === '\\' || character === '[') {
      // Escapes and classes before an alternative are rare enough not to be read.
      return true;
    }
    depth += character === '(' ? 1 : character === ')' ? -1 : 0;
    if (character === '|' && depth === 0) {
      return true;
    }
  }
  return false;
}
