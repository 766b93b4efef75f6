/**
 * Kafka rules: names of API keys, the keys of a role, and what is valid.
 * @see cilium:pkg/policy/api/kafka/kafka.go
 */
import type { PortRuleKafka } from './rule.ts';

/** Names of API keys by number. @see cilium:pkg/policy/api/kafka/kafka.go#APIKeyMap */
const API_KEYS: readonly string[] = [
  'produce',
  'fetch',
  'offsets',
  'metadata',
  'leaderandisr',
  'stopreplica',
  'updatemetadata',
  'controlledshutdown',
  'offsetcommit',
  'offsetfetch',
  'findcoordinator',
  'joingroup',
  'heartbeat',
  'leavegroup',
  'syncgroup',
  'describegroups',
  'listgroups',
  'saslhandshake',
  'apiversions',
  'createtopics',
  'deletetopics',
  'deleterecords',
  'initproducerid',
  'offsetforleaderepoch',
  'addpartitionstotxn',
  'addoffsetstotxn',
  'endtxn',
  'writetxnmarkers',
  'txnoffsetcommit',
  'describeacls',
  'createacls',
  'deleteacls',
  'describeconfigs',
  'alterconfigs',
];

/** The name of a kind, or its number. @see cilium:pkg/policy/api/kafka/kafka.go#ApiKeyToString */
export function apiKeyToString(key: number): string {
  return API_KEYS[key] ?? String(key);
}

const PRODUCE_KEYS: readonly number[] = [0, 3, 18];
const CONSUME_KEYS: readonly number[] = [1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 18];
const MAX_TOPIC_LENGTH = 255;

/** API keys a rule allows; `null` = any. @see cilium:pkg/policy/api/kafka/kafka.go#PortRule.GetAPIKeys */
export function kafkaApiKeys(rule: PortRuleKafka): readonly number[] | null {
  switch (rule.role.toLowerCase()) {
    case 'produce':
      return PRODUCE_KEYS;
    case 'consume':
      return CONSUME_KEYS;
    default: {
      const key = API_KEYS.indexOf(rule.apiKey.toLowerCase());
      return key < 0 ? null : [key];
    }
  }
}

/** API version a rule allows; -1 = any. @see cilium:pkg/policy/api/kafka/kafka.go#PortRule.GetAPIVersion */
export function kafkaApiVersion(rule: PortRuleKafka): number {
  return rule.apiVersion === '' ? -1 : Number(rule.apiVersion);
}

/** What is wrong with a rule, as code and message, or `null`. @see cilium:pkg/policy/api/kafka/kafka.go#PortRule.Sanitize */
export function checkKafka(rule: PortRuleKafka): readonly [string, string] | null {
  const quote = JSON.stringify;
  if (rule.apiKey !== '' && rule.role !== '') {
    return ['kafka-role-and-key', `cannot set both Role ${quote(rule.role)} and APIKey ${quote(rule.apiKey)} together`];
  }
  if (rule.apiKey !== '' && !API_KEYS.includes(rule.apiKey.toLowerCase())) {
    return ['kafka-api-key', `invalid Kafka APIKey ${quote(rule.apiKey)}`];
  }
  if (rule.role !== '' && !['produce', 'consume'].includes(rule.role.toLowerCase())) {
    return ['kafka-role', `invalid Kafka Role ${quote(rule.role)}`];
  }
  if (
    rule.apiVersion !== '' &&
    (!/^[+-]?[0-9]+$/.test(rule.apiVersion) || Number(rule.apiVersion) < 0 || Number(rule.apiVersion) > 32767)
  ) {
    return ['kafka-api-version', `invalid Kafka APIVersion ${quote(rule.apiVersion)}`];
  }
  if (rule.topic.length > MAX_TOPIC_LENGTH) {
    return ['kafka-topic', `kafka topic exceeds maximum len of ${MAX_TOPIC_LENGTH}`];
  }
  if (rule.topic !== '' && !/^[a-zA-Z0-9\\._-]+$/.test(rule.topic)) {
    return ['kafka-topic', `invalid Kafka Topic name ${quote(rule.topic)}`];
  }
  return null;
}
