/** JSON Schema of what `--json` prints: the same shape as the types of `result.ts`, which a test compares. */
import * as z from 'zod';
import { RESULT_SCHEMA } from '../result.ts';
import { DECIDERS, OUTCOMES } from './expect.ts';

const position = z.strictObject({ file: z.string(), line: z.int(), column: z.int() });
const nanos = z.number().describe('Nanoseconds since boot.');

const drop = z.strictObject({
  reason: z.string(),
  endpointId: z.int(),
  source: z.string(),
  destination: z.string(),
  sourceIdentity: z.int(),
  destinationIdentity: z.int(),
  count: z.int(),
});
const policy = z.strictObject({ policy: z.string(), position: position.nullable(), says: z.string() });
const fate = z.strictObject({
  outcome: z.enum(OUTCOMES),
  decidedBy: z.enum(DECIDERS),
  why: z.string(),
  step: z.int().nullable().describe('Position in the journey of the step that decided.'),
  drops: z.array(drop),
  policies: z
    .array(policy)
    .describe(
      'For a denial: the policy elements that closed the door; for an answer: those that opened it; with the line they were written on.',
    ),
});
const object = z.strictObject({
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
  outcome: z.enum(['created', 'configured', 'unchanged', 'deleted', 'not found', 'rejected']),
  message: z.string().optional(),
});
const streams = { exitCode: z.int(), stdout: z.string(), stderr: z.string() };
const detail = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('objects'), objects: z.array(object) }),
  z.strictObject({ kind: z.literal('process'), pod: z.string(), argv: z.array(z.string()), ...streams, fate: fate.nullable() }),
  z.strictObject({
    kind: z.literal('http'),
    from: z.string(),
    method: z.string(),
    url: z.string(),
    status: z.int().nullable(),
    body: z.string(),
    exitCode: z.int().nullable(),
    error: z.string(),
    fate,
  }),
  z.strictObject({ kind: z.literal('command'), line: z.string(), ...streams }),
  z.strictObject({ kind: z.literal('done'), error: z.string().nullable() }),
]);
const expectation = z.strictObject({ key: z.string(), expected: z.string(), actual: z.string(), passed: z.boolean(), position });
const step = z.strictObject({
  number: z.int(),
  title: z.string(),
  position,
  startedAt: nanos,
  endedAt: nanos,
  journey: z
    .strictObject({ from: z.int(), to: z.int() })
    .describe('The part of the journey that belongs to the step: from is included, to is not.'),
  detail,
  monitor: z.array(z.string()),
  hubble: z.array(z.string()),
  expectations: z.array(expectation),
  passed: z.boolean(),
});
const actor = z.strictObject({
  name: z.string(),
  node: z.string(),
  ip: z.string(),
  endpointId: z.int().nullable(),
  identity: z.int().nullable(),
  labels: z.array(z.string()),
});

const journeyBase = {
  seq: z.int(),
  at: nanos,
  actor: z.enum(['k8s', 'agent', 'kernel', 'bpf', 'envoy', 'workload', 'cluster']),
  fn: z.string().describe('The function by its upstream name.'),
  see: z.string().optional().describe('The upstream source it models.'),
  packet: z.int().optional(),
};
const json = z.unknown();
const members = z.record(z.string(), json);
const journeyStep = z.discriminatedUnion('kind', [
  z.strictObject({ ...journeyBase, kind: z.literal('enter'), where: z.string(), what: z.string() }),
  z.strictObject({ ...journeyBase, kind: z.literal('lookup'), map: z.string(), key: json, entry: json }),
  z.strictObject({ ...journeyBase, kind: z.literal('decide'), verdict: z.string(), why: z.string(), data: members.optional() }),
  z.strictObject({ ...journeyBase, kind: z.literal('change'), target: z.string(), key: json.optional(), before: json, after: json }),
  z.strictObject({ ...journeyBase, kind: z.literal('emit'), event: z.string(), data: members }),
  z.strictObject({
    ...journeyBase,
    kind: z.literal('message'),
    from: z.string(),
    to: z.string(),
    what: z.string(),
    data: members.optional(),
  }),
]);

/** A run's result. */
export const resultSchema = z.strictObject({
  schema: z.literal(RESULT_SCHEMA),
  name: z.string(),
  file: z.string(),
  seed: z.int(),
  passed: z.boolean(),
  steps: z.array(step),
  actors: z.array(actor),
  journey: z.array(journeyStep),
});

const issue = z.strictObject({ code: z.string(), message: z.string(), position, path: z.string(), suggestion: z.string().optional() });

/** What `trenchrun run --json` prints. */
export const runOutputSchema = z.strictObject({
  exitCode: z.int(),
  runs: z.array(
    z.union([
      z.strictObject({ file: z.string(), ok: z.literal(true), result: resultSchema }),
      z.strictObject({ file: z.string(), ok: z.literal(false), issues: z.array(issue) }),
    ]),
  ),
});

/** JSON Schema of the output of `trenchrun run --json` (draft 2020-12). */
export function resultJsonSchema(): object {
  return z.toJSONSchema(runOutputSchema.meta({ title: 'trenchrun run --json' }), { unrepresentable: 'any' });
}
