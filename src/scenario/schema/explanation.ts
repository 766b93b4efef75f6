/** JSON Schema of what `trenchrun explain --json` prints: the same shape as the types of `explain/explanation.ts`, which a test compares. */
import * as z from 'zod';
import { EXPLANATION_SCHEMA } from '../explain/explanation.ts';

const position = z.strictObject({ file: z.string(), line: z.int(), column: z.int() });
const direction = z.enum(['egress', 'ingress']);
const origin = z.strictObject({ policy: z.string(), element: z.string(), position: position.nullable() });
const peer = z.strictObject({
  name: z.string(),
  ip: z.string(),
  node: z.string().nullable(),
  endpointId: z.int().nullable(),
  identity: z.int().nullable(),
  labels: z.array(z.string()),
  ignoredLabels: z.array(z.string()),
});
const said = z.strictObject({ verdict: z.string(), why: z.string() });

const check = z.strictObject({
  direction,
  leg: z.enum(['client', 'proxy']),
  at: z.string(),
  endpointId: z.int(),
  map: z.string(),
  enforced: z.boolean(),
  closedBy: z.array(z.strictObject({ policy: z.string(), position: position.nullable(), says: z.string() })),
  tried: z
    .array(
      z.strictObject({
        identity: z.int(),
        port: z.int(),
        protocol: z.int(),
        entry: z.strictObject({ deny: z.boolean(), proxyPort: z.int() }).nullable(),
      }),
    )
    .describe('Keys in the order in which they were tried; the last decided, if it has an entry.'),
  verdict: z.enum(['allow', 'redirect', 'drop']),
  match: z.string(),
  proxyPort: z.int(),
  origins: z.array(origin).describe('The policy elements behind the entry that decided.'),
  audited: z.boolean(),
});

const matcher = z.strictObject({
  header: z.string(),
  value: z.string().nullable(),
  wanted: z.string(),
  matched: z.boolean(),
  failsAt: z.int().nullable().describe('First character at which the value leaves the expression, from 0; its length if more is missing.'),
});
const rule = z.strictObject({
  port: z.int(),
  rule: z.int(),
  httpRule: z.int(),
  matched: z.boolean(),
  why: z.string(),
  matchers: z.array(matcher),
  origins: z.array(origin),
});

/** An explanation. */
export const explanationSchema = z.strictObject({
  schema: z.literal(EXPLANATION_SCHEMA),
  question: z.strictObject({
    from: z.string(),
    to: z.string(),
    http: z
      .strictObject({
        method: z.string(),
        path: z.string(),
        headers: z.array(z.string()),
        body: z.string().nullable(),
        http2: z.literal(true).optional().describe('Asked over HTTP/2, as a gRPC call is.'),
      })
      .nullable(),
    port: z.int().nullable(),
    protocol: z.enum(['TCP', 'UDP', 'SCTP', 'ICMP']),
  }),
  title: z.string(),
  verdict: z.enum(['allowed', 'denied']),
  decidedBy: z.enum(['egress policy', 'ingress policy', 'cilium.network', 'cilium.l7policy', 'datapath', 'nobody']),
  why: z.string(),
  outcome: z.string().describe('What the client saw.'),
  source: peer,
  destination: peer,
  service: z.strictObject({ frontend: z.string(), name: z.string().nullable(), backend: z.string() }).nullable(),
  ipcache: z.array(z.strictObject({ ip: z.string(), prefix: z.string().nullable(), identity: z.int() })),
  checks: z.array(check),
  proxy: z
    .strictObject({
      port: z.int(),
      listener: z.string().nullable(),
      direction,
      connection: said.nullable(),
      request: said.nullable(),
      rules: z.array(rule),
    })
    .nullable(),
  notes: z.array(z.string()),
});

/** JSON Schema of the output of `trenchrun explain --json` (draft 2020-12). */
export function explanationJsonSchema(): object {
  return z.toJSONSchema(explanationSchema.meta({ title: 'trenchrun explain --json' }), { unrepresentable: 'any' });
}
