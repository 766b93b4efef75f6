/**
 * Passes of the policy engine over a file of `../shared/bench`, stage by stage, in a process of their own so that the peak of memory is theirs:
 * `policy_stages.ts FILE WARM-UP RUNS [SHARE]` prints one JSON line with medians. SHARE takes only that part of the policies.
 */
import { readFileSync } from 'node:fs';
import { getNetworkPolicy } from '../../src/agent/envoy/network_policy.ts';
import { newCidrIdentities, newIdentity, reservedIdentities } from '../../src/agent/identity/identity.ts';
import { parseCnp } from '../../src/agent/k8s/cnp.ts';
import { parseLabelArray } from '../../src/agent/labels/labels.ts';
import { cidrPrefixes } from '../../src/agent/policy/cidr.ts';
import { DEFAULT_POLICY_CONFIG } from '../../src/agent/policy/config.ts';
import { proxyId } from '../../src/agent/policy/proxyid.ts';
import { addNewRedirects } from '../../src/agent/policy/redirects.ts';
import { Repository } from '../../src/agent/policy/repository.ts';
import { consumeMapChanges, distillPolicy, type EndpointPolicy, type SelectorPolicy } from '../../src/agent/policy/resolve.ts';
import { SelectorCache } from '../../src/agent/policy/selectorcache.ts';
import { seconds } from './measure.ts';

/** What of an input file is used. */
export interface BenchInput {
  readonly identities: readonly { readonly id: number; readonly labels: readonly string[] }[];
  readonly policies: readonly object[];
  readonly subjects: readonly { readonly identity: number }[];
  readonly newIdentity: { readonly id: number; readonly labels: readonly string[] };
}

/** Milliseconds of each stage. */
export interface StageTimes {
  readonly decode: number;
  readonly repository: number;
  readonly add: number;
  readonly resolve: number;
  readonly distill: number;
  readonly redirects: number;
  readonly again: number;
  readonly npds: number;
  readonly identity: number;
}

/** The printed line. */
export interface StageReport {
  readonly times: StageTimes;
  readonly entries: number;
  readonly largest: number;
  readonly additions: number;
  readonly peakMiB: number;
}

/** How often the new identity comes; its figure is the mean. */
const ARRIVALS = 20;

const PROXY_PORT = 10_001;

/** One pass. */
function pass(text: string): Omit<StageReport, 'peakMiB'> {
  const ms = (run: () => void): number => seconds(run) * 1000;
  let input = {} as BenchInput;
  const decode = ms(() => {
    input = JSON.parse(text) as BenchInput;
  });
  let repository = {} as Repository;
  let cache = {} as SelectorCache;
  const build = ms(() => {
    const identities = input.identities.map(({ id, labels }) => newIdentity(id, parseLabelArray(labels)));
    cache = new SelectorCache([...reservedIdentities(), ...identities]);
    repository = new Repository(cache, DEFAULT_POLICY_CONFIG);
  });
  const add = ms(() => {
    addPolicies(input, repository);
  });
  let policies: SelectorPolicy[] = [];
  const resolve = ms(() => {
    policies = resolveAll(input, repository);
  });
  let endpoints: EndpointPolicy[] = [];
  const known = new Map<string, number>();
  const distillAll = (): EndpointPolicy[] =>
    policies.map((policy, i) =>
      distillPolicy(
        policy,
        {
          namedPort: () => 0,
          lookupRedirectPort: (ingress, protocol, port) => known.get(proxyId(i + 1, ingress, protocol, port)) ?? 0,
        },
        false,
      ),
    );
  const distill = ms(() => {
    endpoints = distillAll();
  });
  const redirects = ms(() => {
    endpoints.forEach((endpoint, i) => {
      for (const ingress of [true, false]) {
        for (const [id, port] of addNewRedirects(endpoint, i + 1, ingress, () => PROXY_PORT).ports) {
          known.set(id, port);
        }
      }
    });
  });
  const sizes = endpoints.map(({ mapState }) => mapState.size);
  // What a regeneration replaces goes, as in the policy cache.
  const again = ms(() => {
    const old = policies;
    endpoints = [];
    policies = resolveAll(input, repository);
    for (const policy of old) {
      policy.l4Policy.detach(cache);
    }
    endpoints = distillAll();
  });
  const npds = ms(() => {
    policies.forEach((policy, i) => {
      getNetworkPolicy(policy, { namedPort: () => 0, endpointId: i + 1, ips: ['10.0.0.1'], conntrackMapName: 'global' });
    });
  });
  const arrival = arrivals(input, cache, endpoints);
  return {
    times: { decode, repository: build, add, resolve, distill, redirects, again, npds, identity: arrival.mean },
    entries: sizes.reduce((sum, size) => sum + size, 0),
    largest: Math.max(0, ...sizes),
    additions: arrival.additions,
  };
}

function addPolicies(input: BenchInput, repository: Repository): void {
  const cidrs = newCidrIdentities();
  for (const object of input.policies) {
    const { issues, rules, identityLabels } = parseCnp(object, DEFAULT_POLICY_CONFIG);
    if (issues.length > 0) {
      throw new Error(issues[0]?.message);
    }
    const allocated = cidrPrefixes(rules).map((prefix) => cidrs.allocate(prefix));
    const added = allocated.filter(({ isNew }) => isNew).map(({ identity }) => identity);
    repository.cache.updateIdentities(added, []);
    repository.replaceByLabels(identityLabels, rules);
  }
}

function resolveAll(input: BenchInput, repository: Repository): SelectorPolicy[] {
  return input.subjects.map(({ identity }) => {
    const resolved = repository.resolvePolicy(repository.cache.identity(identity) ?? newIdentity(identity, []));
    if (!resolved.ok) {
      throw new Error(resolved.error);
    }
    return resolved.policy;
  });
}

/** The new identity comes, all subjects follow; it goes unmeasured. */
function arrivals(
  input: BenchInput,
  cache: SelectorCache,
  endpoints: readonly EndpointPolicy[],
): { readonly mean: number; readonly additions: number } {
  const identity = newIdentity(input.newIdentity.id, parseLabelArray(input.newIdentity.labels));
  const follow = (): number => endpoints.reduce((sum, endpoint) => sum + consumeMapChanges(endpoint).adds.size, 0);
  let total = 0;
  let additions = 0;
  for (let i = 0; i < ARRIVALS; i++) {
    total += seconds(() => {
      cache.updateIdentities([identity], []);
      additions = follow();
    });
    cache.updateIdentities([], [identity.id]);
    follow();
  }
  return { mean: (total / ARRIVALS) * 1000, additions };
}

function main(): void {
  const [file = '', warmUp = '0', runs = '1', share = '1'] = process.argv.slice(2);
  const text = take(readFileSync(file, 'utf8'), Number(share));
  for (let i = 0; i < Number(warmUp); i++) {
    pass(text);
  }
  const reports = Array.from({ length: Number(runs) }, () => pass(text));
  const last = reports.at(-1) as Omit<StageReport, 'peakMiB'>;
  const times = Object.fromEntries(
    Object.keys(last.times).map((stage) => {
      const values = reports.map(({ times }) => times[stage as keyof StageTimes]).sort((a, b) => a - b);
      return [stage, values[Math.floor(values.length / 2)]];
    }),
  );
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(`${JSON.stringify({ ...last, times, peakMiB })}\n`);
}

/** The input with a part of its policies. */
function take(text: string, share: number): string {
  if (share === 1) {
    return text;
  }
  const input = JSON.parse(text) as BenchInput;
  return JSON.stringify({ ...input, policies: input.policies.slice(0, Math.ceil(input.policies.length * share)) });
}

main();
