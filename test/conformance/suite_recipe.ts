/**
 * Recipes: a few pods, policies in steps, single attempts between named ends.
 */
import type { KubeObject } from '../../src/k8s/objects.ts';
import { parseIpv4 } from '../../src/net/ipv4.ts';
import { SuiteCluster, type SuitePod, type SuiteService } from './suite_cluster.ts';
import { runAttempts } from './suite_probe.ts';

/** One line. */
export interface RecipeLine {
  readonly name: string;
  readonly resources: {
    readonly namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>;
    readonly pods: readonly SuitePod[];
    readonly services?: readonly SuiteService[];
    readonly externals?: readonly { readonly name: string; readonly ip: string }[];
  };
  readonly steps: readonly RecipeStep[];
}

/** Policies in force, and attempts. */
export interface RecipeStep {
  readonly step: number;
  readonly policies: readonly KubeObject[];
  readonly probes: readonly RecipeProbe[];
}

interface RecipeProbe {
  readonly from: string;
  readonly to: string;
  /** Of the pod, not of a service. */
  readonly port: number;
  readonly protocol: string;
  readonly expect?: string;
}

/** What became of an attempt. */
export interface RecipeVerdict {
  readonly verdict: 'allowed' | 'blocked';
}

/** The cluster of a recipe; externals reach pods by their own addresses and serve on whatever port the recipe tries there. */
export function recipeCluster(line: RecipeLine): SuiteCluster {
  const probes = line.steps.flatMap((step) => step.probes);
  return new SuiteCluster({
    options: { 'enable-sctp': true },
    world: (line.resources.externals ?? []).map(({ name, ip }) => ({
      name,
      names: [],
      ips: [ip],
      podRoutes: true,
      servers: [...new Set(probes.filter(({ to }) => to === name || to === ip).map(({ port, protocol }) => `${port} ${protocol}`))].flatMap(
        (one) => {
          const [port, protocol] = one.split(' ') as [string, string];
          return protocol === 'TCP' || protocol === 'UDP' ? [{ port: Number(port), protocol, text: null }] : [];
        },
      ),
    })),
  });
}

/** The verdicts of one step. */
export function runRecipeStep(suite: SuiteCluster, line: RecipeLine, step: RecipeStep): RecipeVerdict[] {
  const { namespaces, pods, services = [], externals = [] } = line.resources;
  suite.reconcile({ namespaces, pods, services, policies: step.policies });
  const addresses = new Map([
    ...pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod.ip] as const),
    ...externals.map(({ name, ip }) => [name, ip] as const),
  ]);
  const address = (end: string): string => {
    const ip = addresses.get(end) ?? (parseIpv4(end) === null ? undefined : end);
    if (ip === undefined) {
      throw new Error(`no such end of a connection: ${end}`);
    }
    return ip;
  };
  return step.probes.map(({ from, to, port, protocol }) => {
    const sender = from.includes('/') ? from : `world/${from}`;
    const [outcome] = runAttempts(suite.cluster, [{ from: sender, fromIp: address(from), toIp: address(to), port, protocol }]);
    return { verdict: outcome?.connected === true || outcome?.refused === true ? 'allowed' : 'blocked' };
  });
}

/** What differs from the expectations of a step. */
export function compareRecipeStep(step: RecipeStep, verdicts: readonly RecipeVerdict[]): string[] {
  return step.probes.flatMap(({ from, to, port, protocol, expect }, index) =>
    expect === undefined || verdicts[index]?.verdict === expect
      ? []
      : [`step ${step.step} ${from} -> ${to} ${port}/${protocol}: ${verdicts[index]?.verdict}, not ${expect}`],
  );
}
