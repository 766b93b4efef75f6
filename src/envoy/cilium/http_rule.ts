/**
 * One HTTP rule: header matchers that must all hold, then header actions.
 * @see proxy:cilium/network_policy.cc#HttpNetworkPolicyRule
 */
import type { HeaderMatch, HttpNetworkPolicyRule, MatchAction, MismatchAction } from '../../xds/npds.ts';
import type { HeaderMap } from '../http/header_map.ts';
import { compileHeaderMatcher, describeMismatch, type HeaderData, type MatcherTrace, traceMatcher } from '../http/header_matcher.ts';
import type { AccessLogEntry } from './accesslog.ts';

interface HeaderAction {
  readonly name: string;
  readonly value: string;
  readonly match: MatchAction;
  readonly mismatch: MismatchAction;
}

/** A compiled rule. */
export class HttpRule {
  readonly #matchers: readonly HeaderData[];
  readonly #actions: readonly HeaderAction[];

  private constructor(matchers: readonly HeaderData[], actions: readonly HeaderAction[]) {
    this.#matchers = matchers;
    this.#actions = actions;
  }

  /** Compiles a rule, or returns the text of the exception. */
  static compile(config: HttpNetworkPolicyRule, maxProgramSize: number): HttpRule | string {
    const matchers: HeaderData[] = [];
    for (const header of config.headers ?? []) {
      const matcher = compileHeaderMatcher(header, maxProgramSize);
      if (typeof matcher === 'string') {
        return matcher;
      }
      matchers.push(matcher);
    }
    return new HttpRule(matchers, (config.header_matches ?? []).map(headerAction));
  }

  /** The matchers, all of which must hold. */
  get matchers(): readonly HeaderData[] {
    return this.#matchers;
  }

  /** Whether every matcher holds. */
  matches(headers: HeaderMap): boolean {
    return this.#matchers.every((matcher) => matcher.matches(headers));
  }

  /** Whether the rule has header actions. */
  get hasActions(): boolean {
    return this.#actions.length > 0;
  }

  /** `:method regex "POST", :path regex "/v1"`. */
  get text(): string {
    return this.#matchers.length === 0
      ? 'the rule has no matchers'
      : this.#matchers.map((matcher) => `${matcher.name} ${matcher.text}`).join(', ');
  }

  /** `null` if every matcher holds, else what says which one does not. */
  mismatch(headers: HeaderMap): (() => string) | null {
    for (const matcher of this.#matchers) {
      if (!matcher.matches(headers)) {
        return () => describeMismatch(matcher, headers);
      }
    }
    return null;
  }

  /** What each matcher says to the headers, for the journey: the proxy itself stops at the first that does not hold. */
  trace(headers: HeaderMap): MatcherTrace[] {
    return this.#matchers.map((matcher) => traceMatcher(matcher, headers));
  }

  /**
   * Runs the actions, all of them even after one refused. Returns whether the request may go on.
   * @see proxy:cilium/network_policy.cc#HttpNetworkPolicyRule::HeaderMatches
   */
  runActions(headers: HeaderMap, log: AccessLogEntry): boolean {
    let accepted = true;
    for (const action of this.#actions) {
      const value = headers.getAll(action.name);
      const matches = value !== null && (action.value === '' || value === action.value);
      accepted = (matches ? onMatch(action, headers, log) : onMismatch(action, value, headers, log)) && accepted;
    }
    return accepted;
  }
}

function headerAction(config: HeaderMatch): HeaderAction {
  return {
    name: config.name.toLowerCase(),
    value: config.value ?? '',
    match: config.match_action ?? 'CONTINUE_ON_MATCH',
    mismatch: config.mismatch_action ?? 'FAIL_ON_MISMATCH',
  };
}

function onMatch(action: HeaderAction, headers: HeaderMap, log: AccessLogEntry): boolean {
  switch (action.match) {
    case 'CONTINUE_ON_MATCH':
      return true;
    case 'DELETE_ON_MATCH':
      headers.remove(action.name);
      log.rejected.push({ key: action.name, value: action.value });
      return true;
    default:
      log.rejected.push({ key: action.name, value: action.value });
      return false;
  }
}

function onMismatch(action: HeaderAction, value: string | null, headers: HeaderMap, log: AccessLogEntry): boolean {
  switch (action.mismatch) {
    case 'CONTINUE_ON_MISMATCH':
      // 1.23 adds the pair and forgets to fill it.
      log.missing.push({ key: '', value: '' });
      return true;
    case 'ADD_ON_MISMATCH':
      headers.add(action.name, action.value);
      log.missing.push({ key: action.name, value: action.value });
      return true;
    case 'DELETE_ON_MISMATCH':
      if (action.value !== '' && value !== null) {
        headers.remove(action.name);
        log.rejected.push({ key: action.name, value });
      }
      return true;
    case 'REPLACE_ON_MISMATCH':
      headers.replace(action.name, action.value);
      log.missing.push({ key: action.name, value: action.value });
      return true;
    default:
      log.missing.push({ key: action.name, value: action.value });
      return false;
  }
}
