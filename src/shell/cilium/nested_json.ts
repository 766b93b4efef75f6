/**
 * Spreads JSON that stands inside of strings of JSON.
 * @see cilium:cilium/cmd/helpers.go#expandNestedJSON
 */

import { goStructJson, sortedMembers } from '../../net/go_json.ts';

/** A bound that is never reached by what the agent prints. */
const MAX_NESTED = 10_000;

/** The text with its nested JSON spread; as it is where that cannot be read. */
export function expandNestedJson(text: string): string {
  let result = text;
  for (let i = 0; i < MAX_NESTED; i++) {
    const found = /"[^"\\{]*\{.*[^\\]"/.exec(result);
    if (found === null) {
      return result;
    }
    // Two tabs stand for each blank before the string.
    const blanks = /( *)$/.exec(result.slice(1, found.index))?.[1]?.length ?? 0;
    const indent = '\t\t'.repeat(blanks);
    const spread = spreadString(found[0], indent);
    if (spread === null) {
      return result;
    }
    result = result.slice(0, found.index) + spread + result.slice(found.index + found[0].length);
  }
  return result;
}

function spreadString(quoted: string, indent: string): string | null {
  try {
    const text = JSON.parse(quoted) as string;
    const nested = /\{.*\}/s.exec(text);
    if (nested === null) {
      return text;
    }
    const lines = goStructJson(sortedMembers(JSON.parse(nested[0])), 2).replaceAll('\n', `\n${indent}`);
    return text.slice(0, nested.index) + lines + text.slice(nested.index + nested[0].length);
  } catch {
    return null;
  }
}
