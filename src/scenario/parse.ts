/**
 * Reads a scenario file. Everything that can be wrong with it is found here, before anything runs.
 */
import { type ClusterOptions, DEFAULT_CLUSTER_OPTIONS, type Pins, type WorldHost, type WorldName } from '../cluster/options.ts';
import { SECOND } from '../sim/clock.ts';
import { clusterIssues } from './check_cluster.ts';
import { podIssues } from './check_pods.ts';
import { readDocument, type SourceDocument } from './document.ts';
import type { Issue } from './issue.ts';
import { parseStep } from './parse_step.ts';
import type { Scenario, ScenarioStep } from './scenario.ts';
import type { ClusterSection } from './schema/cluster.ts';
import { scenarioSchema } from './schema/scenario.ts';
import { schemaIssues } from './zod_issues.ts';

/** Reads a file that a scenario names; the path is already relative to where the scenario file was found. */
export type ReadFile = (path: string) => { readonly text: string } | { readonly error: string };

/** What parsing needs besides the text. */
export interface ParseOptions {
  /** Name of the scenario file, for positions and to resolve the paths in it. */
  readonly file: string;
  readonly readFile: ReadFile;
}

/** A scenario, or everything that is wrong with the file. */
export type ParseResult = { readonly ok: true; readonly scenario: Scenario } | { readonly ok: false; readonly issues: readonly Issue[] };

/** Parses a scenario file. */
export function parseScenario(text: string, options: ParseOptions): ParseResult {
  const read = readDocument(text, options.file);
  if (!read.ok) {
    return read;
  }
  const { document } = read;
  const parsed = scenarioSchema.safeParse(document.value);
  const issues: Issue[] = parsed.success ? [] : schemaIssues(scenarioSchema, parsed.error.issues, document, []);
  const steps = parseSteps(document, options, issues);
  const cluster = parsed.success ? clusterOptions(parsed.data.cluster ?? {}) : null;
  if (cluster !== null) {
    issues.push(...clusterIssues(cluster, document));
  }
  const shellCluster = parsed.success && cluster !== null ? withPins(cluster, parsed.data.shell?.pins as Pins | undefined) : null;
  if (shellCluster !== null && issues.length === 0) {
    issues.push(...clusterIssues(shellCluster, document));
  }
  if (cluster !== null && issues.length === 0) {
    issues.push(...podIssues(steps, cluster, document));
  }
  if (!parsed.success || cluster === null || shellCluster === null || issues.length > 0) {
    return { ok: false, issues: sorted(issues) };
  }
  const { name, description, properties } = parsed.data;
  const placed = (properties ?? []).map((property, i) => ({ property, position: document.position(['properties', i]) }));
  return {
    ok: true,
    scenario: { name, description: description ?? null, file: options.file, cluster, shellCluster, steps, properties: placed },
  };
}

function parseSteps(document: SourceDocument, options: ParseOptions, issues: Issue[]): ScenarioStep[] {
  const raw = (document.value as { readonly steps?: unknown } | null)?.steps;
  const steps: ScenarioStep[] = [];
  for (const [index, value] of (Array.isArray(raw) ? raw : []).entries()) {
    const step = parseStep(value, index, document, options);
    if (step.ok) {
      steps.push(step.step);
    } else {
      issues.push(...step.issues);
    }
  }
  return steps;
}

function clusterOptions(section: ClusterSection): ClusterOptions {
  const defaults = DEFAULT_CLUSTER_OPTIONS;
  return {
    clusterName: section.name ?? defaults.clusterName,
    nodes: section.nodes?.map(({ labels = {}, ...node }) => ({ ...node, labels })) ?? defaults.nodes,
    serviceCIDR: section.serviceCIDR ?? defaults.serviceCIDR,
    options: section.options ?? defaults.options,
    quirks: section.quirks ?? {},
    pins: (section.pins as ClusterOptions['pins'] | undefined) ?? defaults.pins,
    seed: section.seed ?? defaults.seed,
    bootTime: section.bootTime === undefined ? defaults.bootTime : section.bootTime / SECOND,
    wallTime: section.wallTime ?? defaults.wallTime,
    curlVersion: section.curlVersion ?? defaults.curlVersion,
    world: (section.world ?? []).map(worldHost),
    dns: (section.dns ?? []).map(worldName),
    trustedAuthorities: section.trustedAuthorities ?? defaults.trustedAuthorities,
  };
}

/** Options with some pins replaced; those of pods member by member. */
function withPins(options: ClusterOptions, pins: Pins = {}): ClusterOptions {
  const pods = { ...options.pins.pods };
  for (const [name, pod] of Object.entries(pins.pods ?? {})) {
    pods[name] = { ...pods[name], ...pod };
  }
  return { ...options, pins: { ...options.pins, ...pins, pods } };
}

function worldName({ name, cname, ips, ttl, answers, rotate }: NonNullable<ClusterSection['dns']>[number]): WorldName {
  return { name, cname: cname ?? null, ips: ips ?? [], ttl: ttl ?? 30, answers: answers ?? 0, rotate: (rotate ?? 0) / SECOND };
}

function worldHost(host: NonNullable<ClusterSection['world']>[number]): WorldHost {
  const servers = host.servers ?? [{ port: 80 }];
  return {
    name: host.name,
    names: host.names ?? [],
    ips: typeof host.ip === 'string' ? [host.ip] : host.ip,
    servers: servers.map(({ port, protocol, text, tls }) => ({ port, protocol: protocol ?? 'TCP', text: text ?? null, tls: tls ?? false })),
    podRoutes: host.podRoutes ?? false,
  };
}

function sorted(issues: readonly Issue[]): Issue[] {
  return [...issues].sort((a, b) => a.position.line - b.position.line || a.position.column - b.position.column);
}
