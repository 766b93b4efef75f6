/**
 * Headers that routes add and remove.
 * @see envoy:source/common/router/header_parser.cc#HeaderParser
 * @remarks Not modelled: variables in values (`%DOWNSTREAM_REMOTE_ADDRESS%`); a configuration with one is refused.
 */
import type { HeaderValueOption } from '../../xds/route.ts';
import type { HeaderMap } from '../http/header_map.ts';

/** What one level of a configuration changes. */
export interface HeaderParser {
  evaluateHeaders(headers: HeaderMap): void;
}

/** Changes nothing. */
export const NO_CHANGES: HeaderParser = { evaluateHeaders: () => undefined };

/** Compiles the changes; a text is the exception that refuses the configuration. */
export function headerParser(add: readonly HeaderValueOption[] = [], remove: readonly string[] = []): HeaderParser | string {
  if (add.length + remove.length === 0) {
    return NO_CHANGES;
  }
  const added: { readonly name: string; readonly value: string; readonly append: boolean }[] = [];
  for (const { header, append } of add) {
    const name = header.key.toLowerCase();
    if (isProtected(name)) {
      return ':-prefixed or host headers may not be modified';
    }
    const value = plainValue(header.value ?? '');
    if (value === null) {
      return `variables in the value of header ${name} are not modelled: ${header.value ?? ''}`;
    }
    added.push({ name, value, append: append ?? true });
  }
  const removed = remove.map((name) => name.toLowerCase());
  if (removed.some(isProtected)) {
    return ':-prefixed or host headers may not be removed';
  }
  return {
    evaluateHeaders: (headers) => {
      for (const name of removed) {
        headers.remove(name);
      }
      for (const { name, value, append } of added) {
        if (append) {
          headers.add(name, value);
        } else {
          headers.set(name, value);
        }
      }
    },
  };
}

function isProtected(name: string): boolean {
  return name.startsWith(':') || name === 'host';
}

/** A value without variables; a doubled percent sign is one. */
function plainValue(value: string): string | null {
  const rest = value.replaceAll('%%', '');
  return rest.includes('%') ? null : value.replaceAll('%%', '%');
}
