/** The `properties` section: what must always hold, whatever pods there will be. `trenchrun check` looks for a case that breaks it. */
import * as z from 'zod';
import { goRegexpError } from '../../agent/policy/api/go_regexp.ts';
import { cidrSchema, nameSchema, portSchema } from './values.ts';

const expression = z.strictObject({
  key: z.string(),
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
  values: z.array(z.string()).optional(),
});

/** Who sends or is sent to. */
export const partySchema = z
  .strictObject({
    labels: z.record(z.string(), z.string()).optional().describe('Pods with these labels.'),
    matchExpressions: z.array(expression).optional().describe('Pods whose labels satisfy these expressions.'),
    namespace: nameSchema.optional().describe('Pods of this namespace; default: of any.'),
    pod: z.string().optional().describe('The pod of this name, or namespace/name.'),
    service: z.string().optional().describe('Pods behind the service of this name, or namespace/name.'),
    entity: z
      .enum(['all', 'cluster', 'world', 'host'])
      .optional()
      .describe('Every pod (cluster), every address outside (world), both (all), or the node (host).'),
    cidr: cidrSchema.optional().describe('Addresses outside the cluster.'),
    name: nameSchema.optional().describe('The host outside that has this DNS name (of cluster: world or dns), asked for by name.'),
  })
  .refine((party) => Object.keys(party).length > 0, { error: 'say who: labels, namespace, pod, service, entity, cidr or name' });

const pattern = z.string().refine(isRegex, { error: 'expected a regular expression (RE2)' });

/** A request by patterns that must match the whole text. */
export const requestPatternSchema = z.strictObject({
  method: pattern.optional(),
  path: pattern.optional().describe('Path and query.'),
  host: pattern.optional(),
  headers: z.record(z.string(), z.string()).optional().describe('Headers that are there with these values.'),
});

/** Protocols of a property. */
export const PROPERTY_PROTOCOLS = ['TCP', 'UDP', 'SCTP', 'ICMP'] as const;

/** What at the destination is tried: a port, or for ICMP an echo request. */
export interface PropertyPort {
  readonly port: number;
  readonly protocol: (typeof PROPERTY_PROTOCOLS)[number];
}

const PORT_ERROR = 'expected a port such as 80, 80/TCP, 53/UDP or 5000/SCTP, or 8/ICMP for ping';
const port = z
  .union([portSchema, z.string().regex(/^[0-9]+(\/(TCP|UDP|SCTP|ICMP))?$/, { error: PORT_ERROR })], { error: PORT_ERROR })
  .transform((value, ctx): PropertyPort => {
    const [number = '', protocol = 'TCP'] = String(value).split('/');
    const one = { port: Number(number), protocol: protocol as PropertyPort['protocol'] };
    if (one.port < 1 || one.port > 65535) {
      ctx.addIssue({ code: 'custom', message: 'expected a port from 1 to 65535' });
      return z.NEVER;
    }
    if (one.protocol === 'ICMP' && one.port !== 8) {
      ctx.addIssue({ code: 'custom', message: 'of ICMP only echo requests can be tried: 8/ICMP' });
      return z.NEVER;
    }
    return one;
  });

const statementSchema = z.strictObject({
  from: partySchema.describe('Pods of the manifests, and for never and only also such as there could be.'),
  to: partySchema.describe('Pods of the manifests, or, if it means none of them, such as there could be.'),
  ports: z
    .array(port)
    .min(1)
    .optional()
    .describe('Ports at the destination: 80, 80/TCP, 53/UDP, 5000/SCTP, or 8/ICMP for ping; default: all.'),
  http: z.array(requestPatternSchema).min(1).optional().describe('HTTP requests; default: all.'),
});

/** Changes under which a property has to hold too. */
export const CONDITIONS = [
  'after any one policy is deleted',
  'while pods are relabelled',
  'during proxy restart',
  'during agent restart',
] as const;

const common = {
  name: z.string().describe('What must hold, in words.'),
  also: z.array(z.enum(CONDITIONS)).optional().describe('Changes under which it has to hold too.'),
};

/** One property. */
export const propertySchema = z
  .strictObject({
    ...common,
    never: statementSchema.optional().describe('No such request ever reaches the destination.'),
    only: statementSchema.optional().describe('Nothing but such requests ever reaches the destination.'),
    always: statementSchema.optional().describe('Every such request of pods that exist reaches the destination.'),
  })
  .refine((one) => [one.never, one.only, one.always].filter((part) => part !== undefined).length === 1, {
    error: 'a property has one of: never, only, always',
  });

/** A property as read. */
export type PropertySection = z.infer<typeof propertySchema>;
/** A party as read. */
export type PartySection = z.infer<typeof partySchema>;
/** A request pattern as read. */
export type RequestPattern = z.infer<typeof requestPatternSchema>;

function isRegex(value: string): boolean {
  return goRegexpError(value) === null;
}
