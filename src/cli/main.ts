#!/usr/bin/env node
/**
 * The command line. Only what parsing arguments needs is loaded here; each command loads the rest when it runs.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
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
    .option('--no-color', 'no colours (they are also off when the output is no terminal)')
    .addHelpText('after', '\nExit code: 0 all expectations hold, 1 one fails, 2 bad input.')
    .action(async (files: string[], options) => {
      const { run } = await import('./run.ts');
      exitCode = await run(files, options);
    });
  program
    .command('schema')
    .description('print a JSON Schema: of scenario files, or of the output of run --json')
    .argument('[what]', 'scenario or result', 'scenario')
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

function seedOf(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > 0xffffffff) {
    throw new InvalidArgumentError('It is a whole number from 0 to 4294967295.');
  }
  return seed;
}
