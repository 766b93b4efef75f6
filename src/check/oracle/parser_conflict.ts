/** Two different L7 protocols on one port cannot be had (quirk 23). */
import type { SevenTerm, Statement } from './statement.ts';

/** Why the subject's policy cannot be computed, or `null`. A name and a number are different ports here, even if they mean the same. */
export function parserConflict(statements: readonly Statement[]): string | null {
  const parsers = new Map<string, string>();
  for (const { direction, ports, deny } of statements) {
    for (const { ports: list, seven } of deny ? [] : (ports ?? [])) {
      for (const { port, name, protocol } of list) {
        if (seven === null || !applies(seven, protocol)) {
          continue;
        }
        const key = `${direction} ${name === '' ? port : name}/${protocol}`;
        const known = parsers.get(key);
        if (known !== undefined && known !== seven.parser) {
          return `${key} has rules for ${known} and for ${seven.parser}`;
        }
        parsers.set(key, seven.parser);
      }
    }
  }
  return null;
}

function applies({ parser }: SevenTerm, protocol: string): boolean {
  return protocol === 'TCP' || parser === 'dns';
}
