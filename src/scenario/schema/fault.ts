/** The `fault` step: what goes wrong, where, and for how long. */
import * as z from 'zod';
import { CRASH_STEPS } from '../../cluster/agent_crash.ts';
import { durationSchema, ipv4Schema, nameSchema, namespacedNameSchema } from './values.ts';

const share = z.number().min(0).max(1);
const lasts = { for: durationSchema.optional().describe('How long; default: for good.') };
const node = { node: nameSchema.optional().describe('Default: the first.') };
const link = {
  on: z
    .union([z.literal('fabric'), namespacedNameSchema], { error: 'expected fabric or namespace/pod' })
    .describe('The network between nodes and hosts outside (fabric), or the link of a pod.'),
};
const map = {
  map: z.string().optional().describe('Name of a hash map: cilium_ct4_global, cilium_policy_00863.'),
  pod: namespacedNameSchema.optional().describe('Instead of map: the policy map of this pod.'),
  entries: z.int().min(0),
};

/** Schemas by kind. */
export const FAULT_SCHEMAS = [
  z.strictObject({ kind: z.literal('loss').describe('Packets are lost.'), ...link, share: share.default(1), ...lasts }),
  z.strictObject({ kind: z.literal('duplicate').describe('Packets arrive twice.'), ...link, share: share.default(1), ...lasts }),
  z.strictObject({
    kind: z.literal('delay').describe('Packets are late; with a share below 1 the others pass them.'),
    ...link,
    share: share.default(1),
    delay: durationSchema,
    ...lasts,
  }),
  z.strictObject({ kind: z.literal('proxy-crash').describe('The proxy dies, and is back when the fault ends.'), ...node, ...lasts }),
  z.strictObject({
    kind: z
      .literal('agent-crash')
      .describe('The agent dies, and the proxy with it; maps and programs stay. It is started again when the fault ends.'),
    at: z
      .enum(CRASH_STEPS, { error: ({ input }) => `there is no such step "${String(input)}"; there are ${CRASH_STEPS.join(', ')}` })
      .optional()
      .describe('The step of a regeneration in which it dies, once it has been taken; default: at once.'),
    pod: namespacedNameSchema.optional().describe('With at: only when the endpoint of this pod regenerates.'),
    within: durationSchema.optional().describe('With at: how long the step is waited for; default: 10s.'),
    ...node,
    ...lasts,
  }),
  z.strictObject({ kind: z.literal('nack').describe('The proxy refuses every update.'), ...node, ...lasts }),
  z.strictObject({ kind: z.literal('slow-ack').describe("The proxy's answers are late."), ...node, delay: durationSchema, ...lasts }),
  z.strictObject({ kind: z.literal('hold-xds').describe('The agent sends the proxy nothing.'), ...node, ...lasts }),
  z.strictObject({ kind: z.literal('map-full').describe('A map takes no more entries than these.'), ...map, ...node, ...lasts }),
  z.strictObject({ kind: z.literal('evict').describe('A map loses its oldest entries.'), ...map, ...node }),
  z.strictObject({
    kind: z.literal('dns').describe('A name outside gets other addresses.'),
    name: z.string(),
    ips: z.array(ipv4Schema).min(1),
  }),
  z.strictObject({
    kind: z.literal('clock').describe('The wall clock is set forward or back.'),
    by: durationSchema,
    back: z.boolean().optional(),
  }),
  z.strictObject({
    kind: z.literal('late-events').describe('News of the API server is late, each kind by itself.'),
    delay: durationSchema.describe('At most.'),
    ...lasts,
  }),
  z.strictObject({ kind: z.literal('repeated-events').describe('Watchers hear of every object again.') }),
] as const;

/** A fault of any kind. */
export const faultSchema = z.discriminatedUnion('kind', FAULT_SCHEMAS, {
  error: ({ code }) =>
    code === 'invalid_union'
      ? `there is no such kind of fault; there are ${FAULT_SCHEMAS.map(({ shape }) => shape.kind.value).join(', ')}`
      : 'expected a fault such as {kind: loss, on: default/client, share: 0.1, for: 10s}',
});

/** A fault as read. */
export type FaultSection = z.infer<typeof faultSchema>;
