/**
 * Query parameters a route asks for.
 * @see envoy:source/common/router/config_utility.cc#ConfigUtility::QueryParameterMatcher::matches
 */
import type { QueryParameterMatcher } from '../../xds/route.ts';
import { compileStringMatcher } from '../http/header_matcher.ts';

/** A compiled matcher. */
export interface QueryData {
  readonly name: string;
  /** What is expected, in words. */
  readonly text: string;
  matches(path: string): boolean;
}

/** Compiles matchers; a text is the exception that refuses the configuration. */
export function queryMatchers(configs: readonly QueryParameterMatcher[], maxProgramSize: number): readonly QueryData[] | string {
  const found: QueryData[] = [];
  for (const { name, string_match: match } of configs) {
    const compiled = match === undefined ? { text: 'present', accepts: () => true } : compileStringMatcher(match, maxProgramSize);
    if (typeof compiled === 'string') {
      return compiled;
    }
    found.push({
      name,
      text: compiled.text,
      matches: (path) => {
        const value = queryParameter(path, name);
        return value !== null && compiled.accepts(value);
      },
    });
  }
  return found;
}

/** The first value of a parameter, as it is written; `null` if it is not there. @see envoy:source/common/http/utility.cc#Utility::parseQueryString */
export function queryParameter(path: string, name: string): string | null {
  const start = path.indexOf('?');
  if (start < 0) {
    return null;
  }
  for (const part of path.slice(start + 1).split('&')) {
    const equals = part.indexOf('=');
    if ((equals < 0 ? part : part.slice(0, equals)) === name) {
      return equals < 0 ? '' : part.slice(equals + 1);
    }
  }
  return null;
}
