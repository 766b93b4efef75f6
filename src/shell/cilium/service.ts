/**
 * `cilium service list`, `cilium service get`.
 * @see cilium:cilium/cmd/service_list.go
 * @see cilium:cilium/cmd/service_get.go
 */
import type { NodeView, ServiceView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type CommandResult, ciliumTable, printed } from '../table.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, fatal, hasOutput, OUTPUT_FLAG, output, usage } from './output.ts';

/** `cilium service list`. */
export const serviceListCommand: CiliumCommand = {
  words: 'service list',
  summary: 'list services',
  flags: [{ name: 'clustermesh-affinity' }, OUTPUT_FLAG],
  check: checkOutput,
  run: list,
};

/** `cilium service get`. */
export const serviceGetCommand: CiliumCommand = {
  words: 'service get',
  summary: 'show a service',
  flags: [OUTPUT_FLAG],
  check: (flags) =>
    (flags.positional[0] ?? '') === '' ? usage('Missing service id argument', 'service get <service id>') : checkOutput(flags),
  run: get,
  complete: (cluster) => cluster.nodes.flatMap((node) => node.services().map(({ id }) => String(id))),
};

function list(node: NodeView, flags: Flags): CommandResult {
  const services = [...node.services()].sort((a, b) => a.id - b.id);
  if (hasOutput(flags)) {
    return output(flags, services.map(serviceModel));
  }
  const rows: string[][] = [['ID', 'Frontend', 'Service Type', 'Backend', '']];
  for (const service of services) {
    const backends = service.backends.map(({ address, state }, i) => `${i + 1} => ${address} (${state})`);
    rows.push([String(service.id), service.frontend, service.type, backends[0] ?? '', '']);
    rows.push(...backends.slice(1).map((backend) => ['', '', '', backend, '']));
  }
  return printed(ciliumTable(rows));
}

function get(node: NodeView, flags: Flags): CommandResult {
  const text = flags.positional[0] ?? '';
  if (!/^[-+]?\d{1,18}$/.test(text)) {
    return fatal(`Unable to parse service ID: ${text}`);
  }
  const service = node.services().find(({ id }) => id === Number(text));
  if (service === undefined) {
    return fatal(`Cannot get service '${Number(text)}': [GET /service/{id}][404] getServiceIdNotFound \n`);
  }
  if (hasOutput(flags)) {
    return output(flags, serviceModel(service));
  }
  const backends = service.backends.map(({ address }, i) => `\t\t${i + 1} => ${address} (${service.id})\n`);
  return printed(`${service.frontend} =>\n${backends.join('')}`);
}

/** @see cilium:api/v1/models/service.go#Service @remarks Simplified: the protocol of a frontend and of its backends is TCP. */
function serviceModel(service: ServiceView): object {
  const internal = service.frontend.endsWith('/i');
  const [ip, port] = split(service.frontend.replace(/\/i$/, ''));
  const spec = {
    'backend-addresses': service.backends.map(({ address, state }) => {
      const [backend, number] = split(address);
      return { ip: backend, port: number, state, weight: 100 };
    }),
    flags: {
      name: service.name,
      namespace: service.namespace,
      trafficPolicy: service.extLocal === true ? 'Local' : 'Cluster',
      type: service.type,
    },
    'frontend-address': { ip, port, scope: internal ? 'internal' : 'external' },
    id: service.id,
  };
  return { spec, status: { realized: spec } };
}

function split(address: string): readonly [string, number] {
  const colon = address.lastIndexOf(':');
  return [address.slice(0, colon), Number(address.slice(colon + 1))];
}
