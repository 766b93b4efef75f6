/** A whole scenario file, and its JSON Schema for editors. */
import * as z from 'zod';
import { clusterSchema, pinsSchema } from './cluster.ts';
import { propertySchema } from './properties.ts';
import { STEP_SCHEMAS } from './steps.ts';

const common = {
  name: z.string().describe('What the scenario shows.'),
  description: z.string().optional(),
  cluster: clusterSchema.optional(),
  shell: z
    .strictObject({ pins: pinsSchema.describe('Replace pins of the same name, pod by pod.') })
    .optional()
    .describe('What trenchrun shell starts with where it differs: its commands may come in another order than the steps.'),
  properties: z.array(propertySchema).optional().describe('What must always hold; `trenchrun check` looks for a case that breaks it.'),
};

/** The file with its steps unread: each is read by the schema its key names. */
export const scenarioSchema = z.strictObject({
  ...common,
  steps: z.array(z.unknown()).min(1, { error: 'a scenario needs at least one step' }),
});

/** JSON Schema of scenario files (draft 2020-12). */
export function scenarioJsonSchema(): object {
  const [first, second, ...rest] = Object.values(STEP_SCHEMAS);
  const steps = z.array(z.union([first as z.ZodType, second as z.ZodType, ...(rest as z.ZodType[])])).min(1);
  const schema = z.strictObject({ ...common, steps }).meta({ title: 'trenchrun scenario' });
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
}
