/** The `properties` section: what must always hold, whatever pods there will be. `trenchrun check` looks for a case that breaks it. */
import * as z from 'zod';
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
    entity: z.enum(['all', 'cluster', 'world']).optional().describe('Every pod (cluster), every address outside (world), or both (all).'),
    cidr: cidrSchema.optional().describe('Addresses outside the cluster.'),
  })
  .refine((party) => Object.keys(party).length > 0, { error: 'say who: labels, namespace, pod, service, entity or cidr' });

const pattern = z.string().refine(isRegex, { error: 'expected a regular expression' });

/** A request by patterns that must match the whole text. */
export const requestPatternSchema = z.strictObject({
  method: pattern.optional(),
  path: pattern.optional().describe('Path and query.'),
  host: pattern.optional(),
  headers: z.record(z.string(), z.string()).optional().describe('Headers that are there with these values.'),
});

const port = z
  .union([portSchema, z.string().regex(/^[0-9]+(\/TCP)?$/, { error: 'expected a TCP port such as 80 or 80/TCP' })], {
    error: 'expected a TCP port such as 80 or 80/TCP',
  })
  .transform((value, ctx) => {
    const number = Number.parseInt(String(value), 10);
    if (number < 1 || number > 65535) {
      ctx.addIssue({ code: 'custom', message: 'expected a port from 1 to 65535' });
      return z.NEVER;
    }
    return number;
  });

const statementSchema = z.strictObject({
  from: partySchema.describe('Pods of the manifests, and for never and only also such as there could be.'),
  to: partySchema.describe('Pods of the manifests, or, if it means none of them, such as there could be.'),
  ports: z.array(port).min(1).optional().describe('TCP ports at the destination; default: all.'),
  http: z.array(requestPatternSchema).min(1).optional().describe('Requests; default: all.'),
});

/** Changes under which a property has to hold too. */
export const CONDITIONS = ['after any one policy is deleted'] as const;

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
  try {
    return new RegExp(value, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}
