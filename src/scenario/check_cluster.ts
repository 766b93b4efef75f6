/** What a schema cannot see in the `cluster` section: values that do not go together. */
import { type ClusterOptions, ciliumOptionIssues } from '../cluster/options.ts';
import { quirkIssues } from '../cluster/quirks.ts';
import { type Cidr4, containsIpv4, parseCidr4, parseIpv4 } from '../net/ipv4.ts';
import type { SourceDocument } from './document.ts';
import { type Issue, pathText } from './issue.ts';

/** Smallest ranges that hold what a cluster itself needs. */
const MAX_POD_PREFIX = 28;
const MAX_SERVICE_PREFIX = 28;

type Path = readonly (string | number)[];

/** The issues, with the positions of the values. */
export function clusterIssues(options: ClusterOptions, document: SourceDocument): Issue[] {
  const issues: Issue[] = [];
  const report = (path: Path, message: string, key?: string): void => {
    const full = ['cluster', ...path];
    const position = key === undefined ? document.position(full) : document.keyPosition(full, key);
    issues.push({ code: 'value', message, position, path: pathText(key === undefined ? full : [...full, key]) });
  };
  for (const { option, message } of ciliumOptionIssues(options.options)) {
    report(['options'], message, option);
  }
  for (const { quirk, message } of quirkIssues(options.quirks ?? {})) {
    report(['quirks'], message, quirk);
  }
  checkRanges(options, report);
  checkAddresses(options, report);
  checkIds(options, report);
  checkWorld(options, report);
  checkNames(options, report);
  return issues;
}

type Report = (path: Path, message: string, key?: string) => void;

function checkRanges({ nodes, serviceCIDR }: ClusterOptions, report: Report): void {
  const ranges: { readonly path: Path; readonly what: string; readonly cidr: Cidr4 }[] = [];
  const add = (path: Path, what: string, text: string, longest: number): void => {
    const cidr = parseCidr4(text) as Cidr4;
    if (cidr.length > longest) {
      report(path, `${what} ${text} is too small: at most /${longest}`);
    }
    const other = ranges.find((one) => containsIpv4(one.cidr, cidr.address) || containsIpv4(cidr, one.cidr.address));
    if (other !== undefined) {
      report(path, `${what} ${text} overlaps ${other.what}`);
    }
    ranges.push({ path, what, cidr });
  };
  add(['serviceCIDR'], 'the service range', serviceCIDR, MAX_SERVICE_PREFIX);
  nodes.forEach((node, i) => {
    add(['nodes', i, 'podCIDR'], `the pod range of ${node.name}`, node.podCIDR, MAX_POD_PREFIX);
    if (nodes.slice(0, i).some(({ name }) => name === node.name)) {
      report(['nodes', i, 'name'], `there are two nodes "${node.name}"`);
    }
    if (nodes.slice(0, i).some(({ ip }) => ip === node.ip)) {
      report(['nodes', i, 'ip'], `two nodes have the address ${node.ip}`);
    }
  });
}

function checkAddresses({ nodes, pins, serviceCIDR }: ClusterOptions, report: Report): void {
  const taken = new Map<string, string>();
  const check = (path: Path, owner: string, ip: string | undefined, ranges: readonly string[]): void => {
    if (ip === undefined) {
      return;
    }
    if (!ranges.some((range) => isHost(range, ip))) {
      report(path, `${ip} is no usable address of ${ranges.join(' or ')}`);
    }
    const other = taken.get(ip);
    if (other !== undefined) {
      report(path, `${ip} is already pinned for ${other}`);
    }
    taken.set(ip, owner);
  };
  const podRanges = nodes.map(({ podCIDR }) => podCIDR);
  check(['pins', 'router', 'ip'], 'the router', pins.router?.ip, podRanges);
  check(['pins', 'health', 'ip'], 'the health endpoint', pins.health?.ip, podRanges);
  for (const [pod, { ip }] of Object.entries(pins.pods ?? {})) {
    check(['pins', 'pods', pod, 'ip'], pod, ip, podRanges);
  }
  for (const [service, ip] of Object.entries(pins.clusterIPs ?? {})) {
    check(['pins', 'clusterIPs', service], service, ip, [serviceCIDR]);
  }
}

function checkIds({ pins }: ClusterOptions, report: Report): void {
  const taken = new Map<number, string>();
  const check = (path: Path, owner: string, id: number | undefined): void => {
    if (id === undefined) {
      return;
    }
    const other = taken.get(id);
    if (other !== undefined) {
      report(path, `endpoint id ${id} is already pinned for ${other}`);
    }
    taken.set(id, owner);
  };
  check(['pins', 'hostEndpointId'], 'the host', pins.hostEndpointId);
  check(['pins', 'health', 'endpointId'], 'the health endpoint', pins.health?.endpointId);
  for (const [pod, { endpointId }] of Object.entries(pins.pods ?? {})) {
    check(['pins', 'pods', pod, 'endpointId'], pod, endpointId);
  }
}

/** Hosts outside have addresses and names of their own. */
function checkWorld({ nodes, serviceCIDR, world }: ClusterOptions, report: Report): void {
  const taken = new Map(nodes.map(({ name, ip }) => [ip, `node ${name}`]));
  const ranges = [serviceCIDR, ...nodes.map(({ podCIDR }) => podCIDR), '127.0.0.0/8', '198.18.0.53/32'];
  world.forEach((host, i) => {
    if (world.slice(0, i).some(({ name }) => name === host.name)) {
      report(['world', i, 'name'], `there are two hosts "${host.name}"`);
    }
    for (const ip of host.ips) {
      const other = taken.get(ip);
      if (other !== undefined) {
        report(['world', i, 'ip'], `${ip} is already the address of ${other}`);
      }
      const range = ranges.find((one) => containsIpv4(parseCidr4(one) as Cidr4, parseIpv4(ip) as number));
      if (range !== undefined) {
        report(['world', i, 'ip'], `${ip} lies in ${range}, which is not outside`);
      }
      taken.set(ip, `${host.name} outside`);
    }
  });
}

/** A name outside has an alias or addresses. */
function checkNames({ dns }: ClusterOptions, report: Report): void {
  dns.forEach(({ name, cname, ips, answers }, i) => {
    if (dns.slice(0, i).some((other) => other.name.toLowerCase() === name.toLowerCase())) {
      report(['dns', i, 'name'], `there are two names "${name}"`);
    }
    if ((cname === null) === (ips.length === 0)) {
      report(['dns', i], `"${name}" needs either cname or ips`);
    }
    if (answers > ips.length) {
      report(['dns', i, 'answers'], `"${name}" has ${ips.length} addresses, an answer cannot hold ${answers}`);
    }
  });
}

/** Whether an address lies in a range and is neither its first nor its last. */
function isHost(range: string, ip: string): boolean {
  const cidr = parseCidr4(range) as Cidr4;
  const address = parseIpv4(ip) as number;
  return containsIpv4(cidr, address) && address !== cidr.address && address !== cidr.address + 2 ** (32 - cidr.length) - 1;
}
