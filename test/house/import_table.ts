/**
 * Who may import whom. The four actors (bpf, envoy, agent, workloads) never import each other: they meet at maps, xDS and sockets only.
 */
import { importsOf, type Module, targetOf } from './support/source.ts';

const GROUND = ['sim', 'net'];
const ALL_ENGINE = ['sim', 'net', 'kernel', 'maps', 'xds', 'k8s', 'bpf', 'envoy', 'agent', 'operator', 'workloads', 'monitor'];
/** What the rooms of use see of the engine; of the agent only the types of `agent/policy/api`. */
const USE = ['sim', 'net', 'k8s', 'maps', 'xds', 'monitor', 'cluster', 'agent/policy/api'];

/** Rooms each room may import besides itself. */
export const IMPORT_TABLE: Readonly<Record<string, readonly string[]>> = {
  sim: [],
  net: [],
  kernel: GROUND,
  maps: ['net', 'kernel'],
  xds: ['net'],
  k8s: ['net'],
  bpf: [...GROUND, 'kernel', 'maps'],
  envoy: [...GROUND, 'kernel', 'maps', 'xds'],
  agent: [...GROUND, 'kernel', 'maps', 'xds', 'k8s'],
  // It meets the agents at the API server only.
  operator: [...GROUND, 'xds', 'k8s'],
  workloads: [...GROUND, 'kernel'],
  monitor: ['net', 'maps', 'xds'],
  cluster: ALL_ENGINE,
  shell: USE,
  // A scenario runs commands as steps, so it stands on the shell; the shell does not know scenarios.
  scenario: [...USE, 'shell'],
  check: [...USE, 'scenario'],
  lint: [...USE, 'scenario'],
  index: [...ALL_ENGINE, 'cluster', 'scenario', 'shell', 'check', 'lint'],
  cli: ['index'],
  playground: ['index'],
};

/** Packages a room may import. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  k8s: ['yaml'],
  scenario: ['yaml', 'zod'],
  envoy: ['re2js'],
  agent: ['re2js'],
  shell: ['re2js'],
  // A counterexample is written as a scenario file; rules are RE2 for the oracle too.
  check: ['fast-check', 'yaml', 're2js', 'zod'],
  cli: ['commander', 'chalk'],
  // The doors for test runners: whoever comes in by one has it.
  index: ['vitest', 'expect'],
};

/** One forbidden import, said so that one knows what to do instead. */
export function importViolations(modules: readonly Module[]): string[] {
  const found: string[] = [];
  for (const module of modules) {
    const allowed = IMPORT_TABLE[module.room];
    if (allowed === undefined) {
      found.push(`${module.path}: room '${module.room}' is not in the import table; add it to test/house/import_table.ts on purpose`);
      continue;
    }
    for (const { specifier, line } of importsOf(module)) {
      const target = targetOf(module, specifier);
      const where = `${module.path}:${line}`;
      if ('package' in target) {
        const isNode = target.package.startsWith('node:');
        if (isNode ? module.room !== 'cli' : !(PACKAGES[module.room] ?? []).includes(target.package)) {
          found.push(
            `${where}: ${module.room} may not import ${target.package}; hand the thing in from cli or cluster, or use a room that may`,
          );
        }
      } else if (target.room !== module.room && !allowed.some((room) => room === target.room || target.path.startsWith(`src/${room}/`))) {
        found.push(
          `${where}: ${module.room} may not import ${target.room} (allowed: ${allowed.join(', ') || 'nothing'}); meet at a contract room`,
        );
      }
    }
  }
  return found;
}
