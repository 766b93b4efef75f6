/** `trenchrun schema`: JSON Schemas for editors and readers of `--json`. */
import { explanationJsonSchema, resultJsonSchema, scenarioJsonSchema } from '../index.ts';
import { EXIT_BAD_INPUT, EXIT_OK, write, writeError } from './process.ts';

const SCHEMAS: Readonly<Record<string, () => object | Promise<object>>> = {
  scenario: scenarioJsonSchema,
  result: resultJsonSchema,
  explanation: explanationJsonSchema,
  check: async () => (await import('../testing.ts')).checkJsonSchema(),
};

/** Prints the schema of scenario files, of results, of explanations, or of what check finds. */
export async function schema(what: string): Promise<number> {
  const make = Object.hasOwn(SCHEMAS, what) ? SCHEMAS[what] : undefined;
  if (make === undefined) {
    writeError(`error: there is no schema "${what}"; there are: ${Object.keys(SCHEMAS).join(', ')}\n`);
    return EXIT_BAD_INPUT;
  }
  await write(`${JSON.stringify(await make(), null, 2)}\n`);
  return EXIT_OK;
}
