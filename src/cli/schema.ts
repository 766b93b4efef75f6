/** `trenchrun schema`: JSON Schemas for editors and readers of `--json`. */
import { resultJsonSchema, scenarioJsonSchema } from '../index.ts';
import { EXIT_BAD_INPUT, EXIT_OK, write, writeError } from './process.ts';

/** Prints the schema of scenario files, or of results. */
export async function schema(what: string): Promise<number> {
  if (what !== 'scenario' && what !== 'result') {
    writeError(`error: there is no schema "${what}"; there are: scenario, result\n`);
    return EXIT_BAD_INPUT;
  }
  await write(`${JSON.stringify(what === 'scenario' ? scenarioJsonSchema() : resultJsonSchema(), null, 2)}\n`);
  return EXIT_OK;
}
