/** The `cluster` section: nodes, Cilium's options, clocks, pins. */
import * as z from 'zod';
import { cidrSchema, durationSchema, ipv4Schema, macSchema, nameSchema, namespacedNameSchema, portSchema, timeSchema } from './values.ts';

const podPinsSchema = z.strictObject({
  ip: ipv4Schema.optional(),
  endpointId: z.int().min(1).max(65535).optional(),
  identity: z.int().min(256).max(65535).optional().describe('Security identity of the label set of the pod.'),
  containerId: z.string().optional(),
  device: z.string().optional().describe('Name of the host side device.'),
  mac: macSchema.optional(),
  tcpPorts: z.array(portSchema).optional().describe('Client TCP ports in the order in which the pod connects.'),
  udpPorts: z.array(portSchema).optional().describe('Client UDP ports in the order in which the pod sends.'),
});

/** Values for what a real cluster draws at random. */
export const pinsSchema = z.strictObject({
  pods: z.record(namespacedNameSchema, podPinsSchema).optional().describe('By namespace/name.'),
  podNames: z
    .record(namespacedNameSchema, z.array(nameSchema))
    .optional()
    .describe('Names of the pods of a Deployment (namespace/name), in order of creation.'),
  router: z.strictObject({ ip: ipv4Schema }).optional().describe('Address of cilium_host.'),
  health: z.strictObject({ ip: ipv4Schema.optional(), endpointId: z.int().min(1).max(65535).optional() }).optional(),
  hostEndpointId: z.int().min(1).max(65535).optional(),
  proxyPorts: z.record(z.string(), portSchema).optional().describe('By listener name, for instance cilium-http-ingress.'),
  hostTcpPorts: z
    .array(portSchema)
    .optional()
    .describe("Ports of the host's own connections in order: those of the proxy to its upstreams."),
  clusterIPs: z.record(namespacedNameSchema, ipv4Schema).optional(),
  cleanupPhase: durationSchema.optional().describe("First firing of the proxy's cluster clean-up timer."),
  requestIds: z.array(z.string()).optional().describe('x-request-id values in order.'),
});

const worldServerSchema = z.strictObject({
  port: portSchema,
  protocol: z.enum(['TCP', 'UDP']).optional().describe('TCP (the default): an HTTP server. UDP: sends back what it gets.'),
  text: z.string().optional().describe("What every answer says; default: the host's name."),
  tls: z.boolean().optional().describe('A TCP server that speaks HTTPS, with a public certificate for its names; default: false.'),
});

const worldHostSchema = z.strictObject({
  name: nameSchema.describe('Its DNS name; steps call it world/NAME.'),
  names: z.array(nameSchema).optional().describe('Further DNS names.'),
  ip: z
    .union([ipv4Schema, z.array(ipv4Schema).min(1)], { error: 'expected an IPv4 address or a list of them' })
    .describe('Address, or addresses: it sends from the first.'),
  servers: z.array(worldServerSchema).optional().describe('Default: an HTTP server on port 80.'),
  podRoutes: z.boolean().optional().describe('Whether it has routes to pod addresses through their nodes; default: false.'),
});

const worldNameSchema = z.strictObject({
  name: nameSchema,
  cname: nameSchema.optional().describe('The name it is an alias of.'),
  ips: z.array(ipv4Schema).optional().describe('Its addresses.'),
  ttl: z.int().min(0).max(0x7fffffff).optional().describe('Time to live in seconds; default: 30.'),
  answers: z.int().min(1).optional().describe('How many addresses one answer holds; default: all.'),
  rotate: durationSchema.optional().describe('How long an answer stays before the next addresses come; default: for ever.'),
});

/** The section. Every member is optional; what is not given comes from the defaults and the seed. */
export const clusterSchema = z
  .strictObject({
    name: nameSchema.optional(),
    nodes: z
      .array(z.strictObject({ name: nameSchema, ip: ipv4Schema, podCIDR: cidrSchema, labels: z.record(z.string(), z.string()).optional() }))
      .min(1)
      .optional(),
    serviceCIDR: cidrSchema.optional(),
    options: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()], { error: 'expected a text, a number or true/false' }))
      .optional()
      .describe("Cilium's options by their own names, for instance monitor-aggregation."),
    quirks: z
      .record(z.string(), z.boolean({ error: 'expected true or false' }))
      .optional()
      .describe('Quirks of 1.13.3 by name: false gives what its authors meant (docs/quirks.md).'),
    seed: z.int().min(0).max(0xffffffff).optional(),
    bootTime: durationSchema.optional().describe('Time since boot at the start.'),
    wallTime: timeSchema.optional(),
    curlVersion: z.string().optional(),
    world: z.array(worldHostSchema).optional().describe('Hosts outside the cluster.'),
    trustedAuthorities: z
      .array(z.string().min(1))
      .optional()
      .describe('Authorities that programs in pods believe beside the public one: names, or certificates as text.'),
    dns: z.array(worldNameSchema).optional().describe('Names outside the cluster with records of their own.'),
    pins: pinsSchema.optional().describe('Values for what a real cluster draws at random.'),
  })
  .describe('The cluster the scenario runs in.');

/** The section as read. */
export type ClusterSection = z.infer<typeof clusterSchema>;
