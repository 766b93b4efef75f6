/** Collects coverage while a scenario runs. */
import type { Cluster } from '../../cluster/cluster.ts';
import { entryOrigins, type PolicyOrigin, proxyRuleOrigins } from '../../cluster/policy_origins.ts';
import { DROP_REASONS, dropReasonText } from '../../maps/drop_reasons.ts';
import { type PolicyKey, TRAFFIC_EGRESS, TRAFFIC_INGRESS } from '../../maps/policymap.ts';
import type { Json, JsonObject, Step } from '../../sim/journey.ts';
import { enforcedPolicy } from '../policy_references.ts';
import type { StepResult } from '../result.ts';
import { BRANCHES, branchOf } from './branches.ts';
import { COVERAGE_SCHEMA, type Coverage, type CoveredElement, type CoveredEntry } from './coverage.ts';
import { elementsOf } from './elements.ts';

type Decision = Step & { readonly kind: 'decide' };
type Direction = 'ingress' | 'egress';

interface Named {
  readonly id: number;
  readonly name: string;
}

/** The recorder of one run. Its cluster must record the journey. */
export class CoverageRecorder {
  readonly #cluster: Cluster;
  readonly #elements = new Map<string, CoveredElement>();
  readonly #entries = new Map<string, CoveredEntry>();
  readonly #drops = new Map<string, number>(DROP_REASONS.map((reason) => [dropReasonText(reason), 0]));
  readonly #branches = new Map<string, number>(BRANCHES.map((name) => [name, 0]));

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /**
   * Takes in a step that is over.
   * @remarks Simplified: origins are those of the entries as they are after the step; a policy that changes while requests of the same step are
   * on their way is credited with the later state.
   */
  after({ journey }: StepResult): void {
    this.#survey();
    // A look-up that finds nothing does not say its direction; the keys it tried do.
    let direction: Direction = 'ingress';
    for (const step of this.#cluster.journey.steps.slice(journey.from, journey.to)) {
      if (step.kind === 'lookup' && step.fn === '__policy_can_access') {
        direction = objectOf(step.key)['direction'] === 'egress' ? 'egress' : 'ingress';
      } else if (step.kind === 'decide') {
        this.#decision(step, direction);
      }
    }
  }

  /** Credits an element, and the elements it is part of, with a hit. */
  hit(policy: string, element: string): void {
    for (const [key, one] of this.#elements) {
      if (one.policy === policy && one.kind !== 'rule' && (element === one.element || element.startsWith(`${one.element}.`))) {
        this.#elements.set(key, { ...one, hits: one.hits + 1 });
      }
    }
  }

  /** What was collected. */
  coverage(): Coverage {
    return {
      schema: COVERAGE_SCHEMA,
      elements: [...this.#elements.values()],
      entries: [...this.#entries.values()],
      drops: [...this.#drops].map(([name, hits]) => ({ name, hits })),
      branches: [...this.#branches].map(([name, hits]) => ({ name, hits })),
    };
  }

  /** Adds what is in force now. */
  #survey(): void {
    for (const one of elementsOf(this.#cluster)) {
      const key = `${one.policy} ${one.element} ${one.position?.file ?? ''}:${one.position?.line ?? 0}`;
      this.#elements.set(key, this.#elements.get(key) ?? one);
    }
    for (const node of this.#cluster.nodes) {
      for (const endpoint of node.agent.endpoints.list()) {
        for (const [key, { deny, proxyPort }] of endpoint.policyMap.entries()) {
          this.#entry(endpoint, key, deny ? 'deny' : proxyPort !== 0 ? 'redirect' : 'allow', 0);
        }
      }
    }
  }

  #entry({ id, name }: Named, { egress, secLabel, dport, protocol }: PolicyKey, verdict: CoveredEntry['verdict'], hits: number): void {
    const direction = egress === TRAFFIC_EGRESS ? 'egress' : 'ingress';
    const key = `${id} ${direction} ${secLabel} ${dport}/${protocol} ${verdict}`;
    const before = this.#entries.get(key);
    const entry: CoveredEntry = before ?? { endpoint: name, direction, identity: secLabel, port: dport, protocol, verdict, hits: 0 };
    this.#entries.set(key, { ...entry, hits: entry.hits + hits });
  }

  #decision(step: Decision, direction: Direction): void {
    const { fn, data = {} } = step;
    const branch = branchOf(step);
    if (branch !== null) {
      this.#branches.set(branch, (this.#branches.get(branch) ?? 0) + 1);
    }
    if (fn === '__policy_can_access') {
      this.#lookup(data, direction);
    } else if (fn === 'send_drop_notify' && typeof data['reason'] === 'number') {
      const name = dropReasonText(data['reason'] > 0 ? -data['reason'] : data['reason']);
      this.#drops.set(name, (this.#drops.get(name) ?? 0) + 1);
    } else if (fn === 'cilium.l7policy') {
      this.#request(data);
    }
  }

  /** A look-up hits the entry it found and what made it; one that found nothing hits the rules that closed the direction. */
  #lookup(data: JsonObject, direction: Direction): void {
    const id = Number(/^cilium_policy_0*(\d+)$/.exec(String(data['map']))?.[1] ?? 0);
    const key = objectOf(data['key']);
    const entry = objectOf(data['entry']);
    if (data['entry'] === undefined) {
      this.#closed(id, direction);
      return;
    }
    const policyKey: PolicyKey = {
      secLabel: Number(key['identity']),
      dport: Number(key['port']),
      protocol: Number(key['protocol']),
      egress: key['direction'] === 'egress' ? TRAFFIC_EGRESS : TRAFFIC_INGRESS,
    };
    for (const node of this.#cluster.nodes) {
      const endpoint = node.agent.endpoints.get(id);
      if (endpoint !== undefined) {
        const verdict = entry['deny'] === true ? 'deny' : Number(entry['proxyPort'] ?? 0) !== 0 ? 'redirect' : 'allow';
        this.#entry(endpoint, policyKey, verdict, 1);
        this.#credit(entryOrigins(this.#cluster, node, id, policyKey));
      }
    }
  }

  #closed(id: number, direction: Direction): void {
    for (const { policy, position } of enforcedPolicy(this.#cluster, id, direction)?.selecting ?? []) {
      for (const [key, one] of this.#elements) {
        const same =
          one.position?.file === position?.file && one.position?.line === position?.line && one.position?.column === position?.column;
        if (one.kind === 'rule' && one.policy === policy && same) {
          this.#elements.set(key, { ...one, hits: one.hits + 1 });
        }
      }
    }
  }

  #request(data: JsonObject): void {
    const match = objectOf(data['match']);
    const endpointId = Number(data['endpointId']);
    if (typeof match['httpRule'] !== 'number' || match['httpRule'] < 0) {
      return;
    }
    const direction = data['direction'] === 'egress' ? 'egress' : 'ingress';
    const place = {
      endpointId,
      direction,
      portIndex: Number(match['portIndex']),
      rule: Number(match['rule']),
      httpRule: match['httpRule'],
    } as const;
    this.#credit(this.#cluster.nodes.flatMap((node) => proxyRuleOrigins(this.#cluster, node, place)));
  }

  #credit(origins: readonly PolicyOrigin[]): void {
    for (const { policy, element } of origins) {
      this.hit(policy, element);
    }
  }
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
