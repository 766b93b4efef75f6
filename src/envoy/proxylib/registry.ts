/**
 * The parsers the library is built with.
 * @see cilium:proxylib/libcilium/proxylib.go
 * @see cilium:proxylib/proxylib/policymap.go#RegisterL7RuleParser
 */
import type { PortNetworkPolicyRule } from '../../xds/npds.ts';
import { newCassandraParser } from './cassandra/parser.ts';
import { cassandraRules } from './cassandra/rule.ts';
import { newKafkaParser } from './kafka/parser.ts';
import { kafkaRules } from './kafka/rule.ts';
import { newMemcacheParser } from './memcached/parser.ts';
import { memcacheRules } from './memcached/rule.ts';
import type { L7Rule, ParserFactory } from './parser.ts';
import { newR2d2Parser, r2d2Rules } from './r2d2.ts';
import { newBlockParser } from './testparsers/block_parser.ts';
import { headerRules, newHeaderParser } from './testparsers/header_parser.ts';
import { newLineParser } from './testparsers/line_parser.ts';
import { newPasser } from './testparsers/passer.ts';

/** Reads a rule's L7 part, or says what is wrong with it: then the update is refused. @see cilium:proxylib/proxylib/policymap.go#L7RuleParser */
export type L7RuleParser = (rule: PortNetworkPolicyRule) => readonly L7Rule[] | string;

/** Parsers by the name policies use. */
export const PARSER_FACTORIES: ReadonlyMap<string, ParserFactory> = new Map([
  ['kafka', newKafkaParser],
  ['cassandra', newCassandraParser],
  ['memcache', newMemcacheParser],
  ['r2d2', newR2d2Parser],
  ['test.passer', newPasser],
  ['test.lineparser', newLineParser],
  ['test.blockparser', newBlockParser],
  ['test.headerparser', newHeaderParser],
]);

/** Rule parsers. A protocol without one has its ports left out of the policy, which denies them. */
export const L7_RULE_PARSERS: ReadonlyMap<string, L7RuleParser> = new Map([
  ['kafka', kafkaRules],
  ['cassandra', cassandraRules],
  ['memcache', memcacheRules],
  ['r2d2', r2d2Rules],
  ['test.headerparser', headerRules],
]);
