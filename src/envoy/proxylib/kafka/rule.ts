/**
 * Kafka rules: kinds, version, client and topic a request may have.
 * @see cilium:pkg/kafka/policy.go#Rule
 */
import type { KafkaNetworkPolicyRule, PortNetworkPolicyRule } from '../../../xds/npds.ts';
import type { L7Rule } from '../parser.ts';
import { KafkaRequest } from './request.ts';

/** Kinds whose requests carry topics. @see cilium:pkg/kafka/policy.go#isTopicAPIKey */
const TOPIC_KINDS: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 5, 6, 8, 9, 19, 20, 21, 23, 24, 27, 28, 34, 35, 37]);

/** The rules of a port. @see cilium:proxylib/kafka/parser.go#KafkaRuleParser */
export function kafkaRules(rule: PortNetworkPolicyRule): readonly L7Rule[] {
  return (rule.kafka_rules?.kafka_rules ?? []).map((config) => new KafkaRule(config));
}

class KafkaRule implements L7Rule {
  readonly #version: number;
  /** Empty: all kinds. */
  readonly #kinds: ReadonlySet<number>;
  readonly #clientId: string;
  readonly #topic: string;

  constructor(config: KafkaNetworkPolicyRule) {
    this.#version = config.api_version ?? 0;
    this.#kinds = new Set(config.api_keys ?? []);
    this.#clientId = config.client_id ?? '';
    this.#topic = config.topic ?? '';
  }

  /**
   * Each topic of a request must be some rule's: a rule takes its own topic away, and matches once none is left.
   * @see cilium:pkg/kafka/policy.go#Rule.Matches
   */
  matches(l7: unknown): boolean {
    if (!(l7 instanceof KafkaRequest)) {
      return false;
    }
    const kind = this.#kinds.size === 0 || this.#kinds.has(l7.kind);
    const version = this.#version < 0 || this.#version === l7.version;
    const client = this.#clientId === '' || this.#clientId === l7.clientId;
    if (!kind || !version || !client) {
      return false;
    }
    return this.#topic === '' || !TOPIC_KINDS.has(l7.kind) || (l7.wanted.delete(this.#topic) && l7.wanted.size === 0);
  }
}
