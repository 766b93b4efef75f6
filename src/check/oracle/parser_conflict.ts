/** Two different L7 protocols on one port cannot be had (quirk 23). */
import type { Statement } from './statement.ts';

/** Why the subject's policy cannot be computed, or `null`. A name and a number are different ports here, even if they mean the same. */
export function parserConflict(statements: readonly Statement[]): string | null {
  const parsers = new Map<string, string>();
  for (const { direction, ports, deny } of statements) {
    for (const { ports: list, parser } of deny ? [] : (ports ?? [])) {
      for (const { port, name, protocol } of list) {
        const own = parserOn(parser, protocol);
        const key = `${direction} ${name === '' ? port : name}/${protocol}`;
        const known = parsers.get(key) ?? '';
        const joint = joined(known, own);
        if (joint === null) {
          return `${key} has rules for ${known} and for ${own}`;
        }
        parsers.set(key, joint);
      }
    }
  }
  return null;
}

/** Other than DNS, and names and certificates of TLS, only TCP has parsers. */
export function parserOn(parser: string, protocol: string): string {
  return protocol === 'TCP' || parser === 'dns' || parser === 'tls' ? parser : '';
}

/** The parser that serves both; `null`: none does. */
function joined(a: string, b: string): string | null {
  if (a === b || b === '' || (b === 'tls' && a !== 'dns' && a !== '')) {
    return a;
  }
  return a === '' || (a === 'tls' && b !== 'dns') ? b : null;
}
