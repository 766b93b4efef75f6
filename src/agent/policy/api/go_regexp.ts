/**
 * Which regular expressions the agent's Go (1.19) compiles.
 * @see https://pkg.go.dev/regexp/syntax
 */
import { RE2JS } from 're2js';
import { Memo } from '../../../net/memo.ts';

/** Why an expression does not compile, in Go's words, or `null`. */
export function goRegexpError(text: string): string | null {
  return ERRORS.get(text);
}

/** The same expressions are checked for each cluster anew. */
const ERRORS = new Memo((text: string): string | null => {
  // Groups named without P came with Go 1.22.
  if (hasAngleGroup(text)) {
    return 'error parsing regexp: invalid or unsupported Perl syntax: `(?<`';
  }
  try {
    RE2JS.compile(text);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : `error parsing regexp: \`${text}\``;
  }
});

/** A test for texts that contain a match (Go's `MatchString`), or why the expression does not compile. */
export function goRegexp(text: string): ((input: string) => boolean) | { readonly error: string } {
  const error = goRegexpError(text);
  if (error !== null) {
    return { error };
  }
  const compiled = RE2JS.compile(text);
  return (input) => compiled.matcher(input).find();
}

/** Whether `(?<` stands outside of classes, escapes and quotations. */
function hasAngleGroup(text: string): boolean {
  let inClass = false;
  for (let i = 0; i < text.length; i++) {
    if (text.startsWith('\\Q', i)) {
      const end = text.indexOf('\\E', i);
      if (end < 0) {
        return false;
      }
      i = end + 1;
    } else if (text[i] === '\\') {
      i++;
    } else if (inClass) {
      inClass = text[i] !== ']';
    } else if (text[i] === '[') {
      inClass = true;
      // A bracket right after the opening one is a member.
      i += text.startsWith('^]', i + 1) ? 2 : text[i + 1] === ']' ? 1 : 0;
    } else if (text.startsWith('(?<', i)) {
      return true;
    }
  }
  return false;
}
