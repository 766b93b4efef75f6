/** The steps of a scenario: one action each, named by its key. */
import * as z from 'zod';
import { expectSchema } from './expect.ts';
import { faultSchema } from './fault.ts';
import { durationSchema, nameSchema, textsSchema } from './values.ts';

const common = {
  name: z.string().optional().describe('Title of the step in reports.'),
  expect: expectSchema.optional(),
};

const method = z
  .string()
  .regex(/^[A-Za-z][A-Za-z-]*$/, { error: 'expected an HTTP method' })
  .optional();
const headers = z.record(z.string(), z.string()).optional();

const newRequestSchema = z.strictObject({
  from: z.string().describe('The client: namespace/pod, pod, or deployment/name.'),
  url: z.string().describe('http://host[:port]/path; the scheme may be left out.'),
  method,
  headers,
  body: z.string().optional(),
  connectTimeout: durationSchema.optional(),
  timeout: durationSchema.optional().describe('For the whole request.'),
  http2: z.boolean().optional().describe("Whether to speak HTTP/2 from the first byte (curl's --http2-prior-knowledge); default: false."),
  pathAsIs: z.boolean().optional().describe("Whether dot segments of the path stay as they are (curl's --path-as-is); default: false."),
});

const rawRequestSchema = z.strictObject({
  connection: z.string().describe('An open connection.'),
  raw: z.string().describe('Sent as it is, one byte a character: what no client would send. The first answer counts.'),
  timeout: durationSchema.optional(),
});

const sameConnectionSchema = z.strictObject({
  connection: z.string().describe('An open connection.'),
  path: z.string().regex(/^[/*]/, { error: 'expected a path that starts with /' }),
  method,
  headers,
  body: z.string().optional(),
  timeout: durationSchema.optional(),
});

const apply = z.strictObject({
  apply: textsSchema.describe('Manifest files relative to this file, or manifests as text.'),
  namespace: nameSchema.optional().describe('Namespace of objects that name none; default: default.'),
  wait: z.boolean().optional().describe('Whether to go on only when the control plane is quiet; default: true.'),
  ...common,
});
const remove = z.strictObject({
  delete: textsSchema.describe('Manifest files whose objects to delete, or kind/name.'),
  namespace: nameSchema.optional(),
  wait: z.boolean().optional(),
  ...common,
});
const exec = z.strictObject({
  exec: z.strictObject({
    pod: z.string().describe('namespace/pod, pod, or deployment/name.'),
    command: z.union([z.string(), z.array(z.string()).min(1)], { error: 'expected a command line or a list of words' }),
  }),
  ...common,
});
const request = z.strictObject({
  request: z.union([newRequestSchema, sameConnectionSchema, rawRequestSchema], { error: 'expected a request' }),
  ...common,
});
const connection = z.strictObject({
  connection: z.union(
    [
      z.strictObject({
        open: z.string(),
        from: z.string(),
        to: z.string().describe('host[:port]'),
        connectTimeout: durationSchema.optional(),
        http2: z.boolean().optional().describe('Whether requests are streams of HTTP/2, spoken from the first byte; default: false.'),
      }),
      z.strictObject({ close: z.string() }),
    ],
    { error: 'expected {open: …, from: …, to: …} or {close: …}' },
  ),
  ...common,
});
const advance = z.strictObject({
  advance: z
    .union([durationSchema, z.strictObject({ until: durationSchema.describe('Time since boot.') })], {
      error: 'expected a duration such as 5s, or {until: 58764s}',
    })
    .describe('Lets virtual time pass.'),
  ...common,
});
const command = z.strictObject({
  command: z.string().describe("kubectl, cilium, hubble, or the proxy's admin interface by curl."),
  node: nameSchema.optional().describe('The node whose agent answers; default: the first.'),
  ...common,
});
const hold = z.strictObject({
  hold: z.enum(['xds']).describe('Holds back what the agent sends to the proxy.'),
  node: nameSchema.optional(),
  ...common,
});
const release = z.strictObject({ release: z.enum(['xds']), node: nameSchema.optional(), ...common });
const proxy = z.strictObject({
  proxy: z.enum(['stop', 'start', 'restart']).describe('The proxy process of a node.'),
  node: nameSchema.optional(),
  ...common,
});
const fault = z.strictObject({ fault: faultSchema.describe('Something goes wrong.'), ...common });
const agent = z.strictObject({
  agent: z
    .enum(['stop', 'start', 'restart'])
    .describe(
      "The agent's process of a node, and the proxy with it; maps and programs stay. It takes part in nothing while it is stopped.",
    ),
  node: nameSchema.optional(),
  ...common,
});
const stop = z.strictObject({ stop: z.string().describe('Stops the process of a pod; its address then refuses connections.'), ...common });
const start = z.strictObject({ start: z.string().describe('Starts the process of a pod again.'), ...common });

/** Schemas by the key that names the action. */
export const STEP_SCHEMAS = {
  apply,
  delete: remove,
  exec,
  request,
  connection,
  advance,
  command,
  hold,
  release,
  proxy,
  fault,
  agent,
  stop,
  start,
} as const;

/** The keys that name actions. */
export type StepKind = keyof typeof STEP_SCHEMAS;
/** The same as a list. */
export const STEP_KINDS = Object.keys(STEP_SCHEMAS) as StepKind[];
/** A step of a kind, as read. */
export type StepOf<K extends StepKind> = z.infer<(typeof STEP_SCHEMAS)[K]>;

/** The forms of `request`, told apart by the keys `connection` and `raw`. */
export const REQUEST_SCHEMAS = { new: newRequestSchema, same: sameConnectionSchema, raw: rawRequestSchema } as const;
/** A request on a connection of its own. */
export type NewRequest = z.infer<typeof newRequestSchema>;
/** A request on an open connection. */
export type SameConnectionRequest = z.infer<typeof sameConnectionSchema> | z.infer<typeof rawRequestSchema>;
