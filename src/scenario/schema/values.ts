/** Schemas of the small values of a scenario file. */
import * as z from 'zod';
import { parseCidr4, parseIpv4 } from '../../net/ipv4.ts';
import { parseMac } from '../../net/mac.ts';
import { parseRfc3339 } from '../../net/rfc3339.ts';
import { parseDuration } from '../duration.ts';

/** A duration in nanoseconds. */
export const durationSchema = z
  .union([z.string(), z.number()], { error: 'expected a duration such as 5s, 200ms or 1h30m' })
  .transform((value, ctx) => {
    const nanos = parseDuration(value);
    if (nanos === null) {
      ctx.addIssue({ code: 'custom', message: `"${String(value)}" is no duration; write for instance 5s, 200ms or 1h30m` });
      return z.NEVER;
    }
    return nanos;
  })
  .meta({
    description: 'A duration: 5s, 200ms, 1h30m; a bare number is seconds.',
    pattern: '^\\s*(?:[0-9]+(?:\\.[0-9]+)?(?:ns|us|µs|ms|s|m|h|d))+\\s*$',
    minimum: 0,
  });

/** Unix milliseconds, written as an RFC 3339 time. */
export const timeSchema = z
  .string()
  .transform((value, ctx) => {
    const millis = parseRfc3339(value);
    if (millis === null) {
      ctx.addIssue({ code: 'custom', message: `"${value}" is no time; write for instance 2023-06-12T03:04:05Z` });
      return z.NEVER;
    }
    return millis;
  })
  .meta({
    description: 'A time as RFC 3339 writes it: 2023-06-12T03:04:05Z.',
    pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]+)?(?:[Zz]|[-+][0-9]{2}:[0-9]{2})$',
  });

/** The patterns are for editors, which see the JSON Schema; the functions decide. */
const BYTE = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const ADDRESS = `${BYTE}(?:\\.${BYTE}){3}`;

/** An IPv4 address. */
export const ipv4Schema = z
  .string()
  .refine((value) => parseIpv4(value) !== null, { error: 'expected an IPv4 address such as 10.0.0.111' })
  .meta({ pattern: `^${ADDRESS}$` });
/** An IPv4 prefix. */
export const cidrSchema = z
  .string()
  .refine((value) => parseCidr4(value) !== null, { error: 'expected an IPv4 prefix such as 10.0.0.0/24' })
  .meta({ pattern: `^${ADDRESS}/(?:3[0-2]|[12]?[0-9])$` });
/** An Ethernet address. */
export const macSchema = z
  .string()
  .refine((value) => parseMac(value) !== null, { error: 'expected an Ethernet address such as 0a:1b:2c:3d:4e:5f' })
  .meta({ pattern: '^[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}$' });
/** A TCP or UDP port. */
export const portSchema = z.int().min(1).max(65535);
/** A name of a Kubernetes object. @see kubernetes:staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go#IsDNS1123Subdomain */
export const nameSchema = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, { error: 'expected a name of small letters, digits, dashes and dots' });
/** `namespace/name`. */
export const namespacedNameSchema = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, { error: 'expected namespace/name' });
/** One or more texts. */
export const textsSchema = z
  .union([z.string(), z.array(z.string()).min(1)], {
    error: 'expected a text or a list of texts; a manifest inside the scenario is a text too: apply: |',
  })
  .transform((value) => (typeof value === 'string' ? [value] : value));
