/**
 * Cassandra rules: an action, and an expression for the table.
 * @see cilium:proxylib/cassandra/cassandraparser.go#CassandraRule
 */
import type { PortNetworkPolicyRule } from '../../../xds/npds.ts';
import { type GoRegexp, goRegexp } from '../go_regexp.ts';
import type { L7Rule } from '../parser.ts';

/** Actions that name a table or a keyspace. @see cilium:proxylib/cassandra/cassandraparser.go#queryActionMap */
const WITH_TABLE =
  'select delete insert update create-table drop-table alter-table truncate-table use create-keyspace alter-keyspace drop-keyspace';
const WITHOUT_TABLE =
  'drop-index create-index create-materialized-view drop-materialized-view create-role alter-role drop-role grant-role revoke-role ' +
  'list-roles grant-permission revoke-permission list-permissions create-user alter-user drop-user list-users create-function ' +
  'drop-function create-aggregate drop-aggregate create-type alter-type drop-type create-trigger drop-trigger';

/** A request as rules see it: `/opcode`, or `/opcode/action/table`. */
export class CassandraPath {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The path of an execution of a statement nobody has prepared; no rule matches it. */
export const UNKNOWN_PREPARED = '/unknown-prepared-query';

/** The rules of a port. @see cilium:proxylib/cassandra/cassandraparser.go#CassandraRuleParser */
export function cassandraRules(rule: PortNetworkPolicyRule): readonly L7Rule[] | string {
  const rules: L7Rule[] = [];
  for (const { rule: fields = {} } of rule.l7_rules?.l7_allow_rules ?? []) {
    const unknown = Object.keys(fields).find((key) => key !== 'query_action' && key !== 'query_table');
    if (unknown !== undefined) {
      return `Unsupported key: ${unknown}`;
    }
    const { query_action: action = '', query_table: table = '' } = fields;
    const compiled = table === '' ? null : goRegexp(table);
    if (compiled !== null && 'error' in compiled) {
      return compiled.error;
    }
    const noTable = WITHOUT_TABLE.split(' ').includes(action);
    if (action !== '' && !noTable && !WITH_TABLE.split(' ').includes(action)) {
      return `Unable to parse L7 cassandra rule with invalid query_action: '${action}'`;
    }
    if (noTable && compiled !== null) {
      return `query_action '${action}' is not compatible with a query_table match`;
    }
    rules.push(new CassandraRule(action, compiled));
  }
  return rules;
}

class CassandraRule implements L7Rule {
  readonly #action: string;
  readonly #table: GoRegexp | null;

  constructor(action: string, table: GoRegexp | null) {
    this.#action = action;
    this.#table = table;
  }

  /** @see cilium:proxylib/cassandra/cassandraparser.go#CassandraRule.Matches */
  matches(l7: unknown): boolean {
    if (!(l7 instanceof CassandraPath) || l7.text === UNKNOWN_PREPARED) {
      return false;
    }
    const [, , action, table] = l7.text.split('/');
    if (action === undefined) {
      // Not about a query.
      return true;
    }
    if (table === undefined || (this.#action !== '' && this.#action !== action)) {
      return false;
    }
    // The expression is not asked about a query whose table was not found.
    return table === '' || (this.#table?.find(table) ?? true);
  }
}
