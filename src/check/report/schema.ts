/** JSON Schema of what `trenchrun check --format json` prints: the same shape as {@link CheckResult}, which a test compares. */
import * as z from 'zod';
import type { CheckResult } from '../run/check.ts';

const position = z.strictObject({ file: z.string(), line: z.int(), column: z.int() });
const verdict = z.enum(['holds', 'broken', 'vacuous']).describe('vacuous: the property speaks of nobody.');

const counterexample = z.strictObject({
  seed: z.int(),
  replay: z.string().describe('--seed and --replay find it again.'),
  summary: z.string(),
  derivation: z.array(z.string()).describe('Why, line by line: the policy elements that decided, with file, line and column.'),
  position: position.optional().describe('Where the first of these elements was written, if one decided.'),
  scenario: z.string().describe('A scenario file that trenchrun run replays; it fails as long as the property is broken.'),
  story: z.string().describe('The story of its run.'),
  unconfirmed: z.string().nullable().describe('Why the simulated cluster does not confirm it; null: it does.'),
});

const part = z.strictObject({
  first: z.int().describe('Number of the first case.'),
  runs: z.int(),
  verdict,
  counterexample: counterexample.nullable(),
  notes: z.array(z.string()).optional().describe('What the real system does that the property leaves out, if a case met it.'),
});

const told = z
  .enum([...verdict.options, 'unfinished'])
  .describe('vacuous: the property speaks of nobody. unfinished: not all cases were tried, and none of those that were breaks it.');

const property = z.strictObject({
  name: z.string(),
  position: position.nullable().describe('Where it was written; null: it is built in.'),
  builtin: z.boolean(),
  runs: z.int().describe('Cases tried.'),
  planned: z.int().optional().describe('Cases that should have been tried; only with unfinished, if it is known.'),
  verdict: told,
  counterexample: counterexample.nullable(),
  notes: z.array(z.string()).optional().describe('What the real system does that the property leaves out, if a case met it.'),
  parts: z.array(part).optional().describe('What the result of a shard was put together from.'),
});

const refused = z.strictObject({ policy: z.string(), message: z.string(), position: position.nullable() });

/** The whole output: a result for each scenario. */
export const checkResultsSchema = z.array(
  z.strictObject({
    file: z.string(),
    seed: z.int(),
    properties: z.array(property),
    refused: z.array(refused).describe('Policies that the agents refuse: the properties were checked without them.'),
    shard: z.strictObject({ number: z.int(), of: z.int() }).optional().describe("Which shard's result it is; absent: that of all."),
    interrupted: z.boolean().optional().describe('Whether the search was stopped before its end.'),
    missingShards: z.array(z.int()).optional().describe("Shards whose results were not there when the others' were put together."),
    passed: z.boolean(),
  }),
);

/** Results that were printed as JSON, or what is wrong with them. */
export function parseCheckResults(text: string): readonly CheckResult[] | { readonly error: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { error: 'this is no result of trenchrun check --format json' };
  }
  const parsed = checkResultsSchema.safeParse(value);
  if (parsed.success) {
    return parsed.data as readonly CheckResult[];
  }
  const issue = parsed.error.issues[0];
  return { error: `this is no result of trenchrun check --format json: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` };
}

/** JSON Schema (draft 2020-12). */
export function checkJsonSchema(): object {
  return z.toJSONSchema(checkResultsSchema.meta({ title: 'trenchrun check result' }), { unrepresentable: 'any' });
}
