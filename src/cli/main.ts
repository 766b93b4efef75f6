#!/usr/bin/env node
/**
 * The command line. Only what parsing arguments needs is loaded here; each command loads the rest when it runs.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT_BAD_INPUT, exitWhenPipeCloses } from './process.ts';

exitWhenPipeCloses();
process.exitCode = await main(process.argv.slice(2));

/** Runs the arguments and returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('trenchrun')
    .description('The Cilium datapath you can run, step through and property-test, without a cluster, root or a kernel')
    .version(version(), '-V, --version')
    .exitOverride()
    .showHelpAfterError('(trenchrun --help shows what there is)');
  program
    .command('run')
    .description('run scenario files and tell what happened')
    .argument('<scenario...>', 'scenario files (YAML)')
    .option(
      '-v, --verbose',
      'tell more: -v all decisions, -vv also look-ups and changes, -vvv every step',
      (_: string, level: number) => level + 1,
      0,
    )
    .option('-q, --quiet', 'tell only what failed')
    .option('--json', 'print results and journey as JSON (trenchrun schema result describes it)')
    .option('--seed <number>', "seed for everything that is not pinned, instead of the scenario's", seedOf)
    .option(
      '--coverage [format]',
      'tell which policy elements, map entries, drop reasons and filter branches were exercised: text, json or lcov, each with =FILE',
    )
    .option('--no-color', 'no colours (they are also off when the output is no terminal)')
    .addHelpText('after', '\nExit code: 0 all expectations hold, 1 one fails, 2 bad input.')
    .action(async (files: string[], options) => {
      const { run } = await import('./run.ts');
      exitCode = await run(files, options);
    });
  program
    .command('explain')
    .description('say whether a pod may reach another, and why: every key, rule and line that decides')
    .argument('<path...>', 'a scenario, or manifests: files and directories')
    .requiredOption('--from <pod>', 'the client: pod, namespace/pod or deployment/name')
    .requiredOption('--to <target>', 'a pod, a service, an IPv4 address or a host name')
    .option('--http <request>', 'an HTTP request: "PUT /v1/exhaust-port"')
    .option('--grpc <method>', 'a gRPC call in its place: "cloudcity.DoorManager/GetName"')
    .option('-H, --header <line>', 'a header of the request: "Name: value"', (line: string, all: string[]) => [...all, line], [])
    .option('-d, --data <text>', 'a body of the request')
    .option('--port <port>', "N, N/TCP, N/UDP, N/SCTP or 8/ICMP; default: the target's first port")
    .option('--after <step>', 'ask after this step of a scenario (0: before the first) instead of at its end', wholeNumber)
    .addOption(new Option('--fail-on <verdict>', 'exit with 1 on this verdict').choices(['allow', 'deny']))
    .option('--json', 'print the explanation as JSON (trenchrun schema explanation describes it)')
    .option('--no-color', 'no colours (they are also off when the output is no terminal)')
    .addHelpText('after', '\nExit code: 0 the question is answered, whatever the verdict; 1 the verdict --fail-on names; 2 bad input.')
    .action(async (paths: string[], options) => {
      const { explain } = await import('./explain.ts');
      exitCode = await explain(paths, options);
    });
  program
    .command('shell')
    .description("type kubectl, cilium, hubble and curl commands at a cluster with a scenario's options and pins; no step is run")
    .argument(
      '[files...]',
      'a scenario (.yaml), a script, and arguments of the script; without a script, commands come from standard input',
    )
    .option('-c, --command <text>', 'run these commands instead of a script')
    .option('--seed <number>', "seed for everything that is not pinned, instead of the scenario's", seedOf)
    .addHelpText(
      'after',
      '\nExit code: that of the last command, as of a shell; 2 for bad input. In the shell, "help" lists what there is.',
    )
    .action(async (files: string[], options) => {
      const { shell } = await import('./shell.ts');
      exitCode = await shell(files, options);
    });
  program
    .command('check')
    .description('search for requests that break the properties of scenario files, or of the policies in a directory')
    .argument('<path...>', 'scenario files with a properties section, or directories of manifests; with --merge results of shards')
    .option('--seed <number>', 'seed of the search', seedOf, 1)
    .option('--runs <number>', 'cases to try for each property', countOf, 10_000)
    .option('--fault-runs <number>', 'cases with faults to try (they take milliseconds each); default: 100', countOf)
    .option('--replay <handle>', 'only the case that an earlier run printed')
    .option('--format <format>', 'text, json, junit, sarif or github', 'text')
    .option('--out <dir>', 'write counterexamples there as scenario files')
    .option('--workers <number>', 'threads that search, at most one a processor; what is found does not depend on it', workersOf, 1)
    .option('--shard <i/n>', 'search only the i-th of n parts; "/n" takes the part from JOB_COMPLETION_INDEX (which counts from 0)')
    .option('--merge', 'the paths are results (--format json) of all shards, or of one search: tell what they found together', false)
    .option('--no-builtins', 'leave out the built-in safety properties')
    .option(
      '--coverage [format]',
      'send a sample of the cases as packets and tell what they exercised: text, json or lcov, each with =FILE',
    )
    .option('--no-color', 'no colours (they are also off when the output is no terminal)')
    .addHelpText(
      'after',
      '\nExit code: 0 all properties hold, 1 one is broken, 2 bad input, 130 stopped by Ctrl-C before anything was found: what was tried is told.',
    )
    .action(async (paths: string[], options) => {
      const { check } = await import('./check.ts');
      exitCode = await check(paths, options);
    });
  program
    .command('lint')
    .description('look for policies that do not do what they seem to: each finding with its line, the reason and a flow that shows it')
    .argument('[path...]', 'manifests and scenarios: files and directories')
    .option('--severity <severity>', 'the mildest findings to show: error, warning or info', 'warning')
    .option('--format <format>', 'text, json, sarif, github or junit', 'text')
    .option('--json', 'the same as --format json')
    .option('--rule <code>', 'only this rule; may be given several times', (code: string, all: string[]) => [...all, code], [])
    .option('--explain [code]', 'print the documentation of a rule, or the list of all rules')
    .option('--no-color', 'no colours (they are also off when the output is no terminal)')
    .addHelpText('after', '\nExit code: 0 no findings of the severity or worse, 1 findings, 2 bad input.')
    .action(async (paths: string[], options) => {
      const { lint } = await import('./lint.ts');
      exitCode = await lint(paths, options);
    });
  program
    .command('mutate')
    .description('weaken the policies of scenarios one step at a time, and tell which changes no expectation and no property notices')
    .argument('<scenario...>', 'scenario files (YAML)')
    .option('--max <number>', 'try so many mutants at most, drawn by the seed', countOf)
    .option('--seed <number>', 'seed of the draw, and of the search of properties', seedOf, 1)
    .option('--runs <number>', 'cases to try for each property', countOf, 1000)
    .option('-v, --verbose', 'tell the mutants that were noticed too')
    .option('--json', 'print the results as JSON')
    .option('--no-color', 'no colours (they are also off when the output is no terminal)')
    .addHelpText(
      'after',
      '\nExit code: 0 every mutant is noticed or equivalent, 1 one survives, 2 bad input or a scenario that does not hold itself.',
    )
    .action(async (files: string[], options) => {
      const { mutate } = await import('./mutate.ts');
      exitCode = await mutate(files, options);
    });
  program
    .command('schema')
    .description('print a JSON Schema: of scenario files, or of the output of run --json, explain --json or check --format json')
    .argument('[what]', 'scenario, result, explanation or check', 'scenario')
    .action(async (what: string) => {
      const { schema } = await import('./schema.ts');
      exitCode = await schema(what);
    });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? 0 : EXIT_BAD_INPUT;
    }
    throw error;
  }
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) {
    throw new InvalidArgumentError('It is a whole number.');
  }
  return Number(text);
}

function countOf(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 100_000_000) {
    throw new InvalidArgumentError('It is a whole number from 1 to 100000000.');
  }
  return count;
}

function workersOf(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 256) {
    throw new InvalidArgumentError('It is a whole number from 1 to 256.');
  }
  return count;
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > 0xffffffff) {
    throw new InvalidArgumentError('It is a whole number from 0 to 4294967295.');
  }
  return seed;
}
