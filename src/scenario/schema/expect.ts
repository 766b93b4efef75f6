/** The `expect` section of a step: what must have happened. */
import * as z from 'zod';
import { textsSchema } from './values.ts';

const regexSchema = z.string().refine(isRegex, { error: 'this is no regular expression' });
const regexesSchema = z
  .union([regexSchema, z.array(regexSchema).min(1)], { error: 'expected a regular expression or a list of them' })
  .transform((value) => (typeof value === 'string' ? [value] : value));

const textMatcherObject = z.strictObject({
  equals: z.string().optional().describe('The whole text; blanks at the end of lines and empty lines at the end do not count.'),
  words: z.string().optional().describe('The whole text, where any run of blanks counts as one and empty lines do not count.'),
  contains: textsSchema.optional().describe('Every one of these occurs.'),
  excludes: textsSchema.optional().describe('None of these occurs.'),
  matches: regexesSchema.optional().describe('Every one of these regular expressions matches somewhere; ^ and $ are those of a line.'),
  lines: z.array(z.string()).min(1).optional().describe('Every one of these is a line, where any run of blanks counts as one.'),
  json: z.unknown().optional().describe('The text is JSON, and somewhere in it is a value that has at least these members.'),
});

/** How a text is compared: a plain text means `equals`. */
export const textMatcherSchema = z
  .union([z.string(), textMatcherObject], { error: 'expected a text or one of: equals, words, contains, excludes, matches, lines, json' })
  .transform((value) => (typeof value === 'string' ? { equals: value } : value));
/** A comparison as read. */
export type TextMatcher = z.infer<typeof textMatcherObject>;

const eventMatcherSchema = z
  .union([z.string(), z.strictObject({ matches: regexSchema })], { error: 'expected a text that occurs in a line, or {matches: …}' })
  .transform((value) => (typeof value === 'string' ? { contains: value } : value));
/** A line of `cilium monitor` or `hubble observe` as expected. */
export type EventMatcher = z.infer<typeof eventMatcherSchema>;

const droppedSchema = z.strictObject({
  reason: z.string().optional().describe('As cilium monitor prints it: Policy denied.'),
  endpoint: z
    .union([z.int(), z.string()], { error: 'expected an endpoint id or a pod (namespace/name)' })
    .optional()
    .describe('The endpoint whose program dropped: its id, or its pod.'),
  from: z.string().optional().describe('Source pod (namespace/name) or address.'),
  to: z.string().optional().describe('Destination pod (namespace/name) or address.'),
  count: z.int().min(1).optional().describe('How many packets exactly.'),
});
/** An expected drop. */
export type DroppedExpectation = z.infer<typeof droppedSchema>;

/** How a request can end. */
export const OUTCOMES = ['answered', 'denied', 'dropped', 'failed'] as const;
/** Who can decide the fate of a request. */
export const DECIDERS = [
  'bpf policy',
  'cilium.bpf_metadata',
  'cilium.network',
  'cilium.l7policy',
  'envoy',
  'router',
  'server',
  'client',
  'kernel',
] as const;

/** The section. All that is given must hold. */
export const expectSchema = z
  .strictObject({
    exitCode: z.int().min(0).max(255).optional(),
    status: z.int().min(100).max(599).optional().describe('HTTP status of the answer.'),
    body: textMatcherSchema.optional(),
    stdout: textMatcherSchema.optional(),
    stderr: textMatcherSchema.optional(),
    outcome: z
      .union([z.enum(OUTCOMES), z.array(z.enum(OUTCOMES)).min(1)], { error: `expected one of: ${OUTCOMES.join(', ')}, or a list of them` })
      .optional()
      .describe('answered by the server; denied by the proxy (403); dropped by a BPF program; failed in another way.'),
    arrived: z
      .boolean()
      .optional()
      .describe('Whether a request reached the program of a server in a pod during the step, whatever its client saw of the answer.'),
    decidedBy: z.enum(DECIDERS).optional().describe('Who decided the fate of the request.'),
    dropped: z.union([z.boolean(), droppedSchema], { error: 'expected true, false, or the details of the drop' }).optional(),
    monitor: z
      .array(eventMatcherSchema)
      .optional()
      .describe('Lines that cilium monitor showed during the step, in this order, others between.'),
    noMonitor: z.array(eventMatcherSchema).optional().describe('Lines that cilium monitor did not show during the step.'),
    hubble: z
      .array(eventMatcherSchema)
      .optional()
      .describe('Lines that hubble observe would show for the step, in this order, others between.'),
  })
  .describe('What must have happened.');

/** The section as read. */
export type Expectations = z.infer<typeof expectSchema>;

function isRegex(value: string): boolean {
  try {
    return new RegExp(value, 'm') instanceof RegExp;
  } catch {
    return false;
  }
}
