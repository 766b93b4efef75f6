/**
 * The oracle against the reference results of the policy engine: for every subject, peer, port and protocol of a case, the oracle's verdict is what the
 * expected map entries give in the datapath's order.
 */
import type { K8sObject, ModelCluster, ModelPort, ModelService } from '../../src/check/model/cluster.ts';
import type { Judged } from '../../src/check/oracle/judge.ts';
import { readLabel } from '../../src/check/oracle/labels.ts';
import { Oracle, type OracleFlow, type OracleSubject } from '../../src/check/oracle/oracle.ts';
import type { OraclePeer } from '../../src/check/oracle/statement.ts';
import { formatPrefix, parsePrefix } from '../../src/net/prefix.ts';
import { type CaseOutcome, type ConformanceModule, hasShared, readLines, sharedFile } from './module.ts';
import { POLICY_SUITES, policyFile } from './policy.ts';
import type { MapRow, PolicyCase, SubjectInput } from './policy_case.ts';
import type { PolicyExpectation } from './policy_compare.ts';

type Expected = PolicyExpectation['subjects'][number];

const RESERVED: Readonly<Record<number, readonly string[]>> = {
  1: ['host'],
  2: ['world'],
  3: ['unmanaged'],
  4: ['health'],
  5: ['init'],
  6: ['remote-node'],
  7: ['kube-apiserver', 'remote-node'],
  8: ['ingress'],
};
const NUMBERS = { TCP: 6, UDP: 17, SCTP: 132, ICMP: 1, ICMPv6: 58 } as const;

/** Compares one case; a case that the oracle breaks at fails. */
export function checkOracleCase(line: unknown): CaseOutcome {
  const input = line as PolicyCase & { readonly expect: PolicyExpectation };
  try {
    return { name: input.name, differences: compare(input) };
  } catch (error) {
    return { name: input.name, differences: [`broken: ${String(error)}`] };
  }
}

function compare(input: PolicyCase & { readonly expect: PolicyExpectation }): string[] {
  const { expect } = input;
  const oracle = new Oracle(clusterOf(input), inForce(input, expect), {
    enforcement: input.enforcement ?? 'default',
    hostComesIn: input.config?.allowLocalhost !== 'policy',
    hostFirewall: input.config?.enableHostFirewall ?? false,
    remoteNodeIdentity: input.config?.enableRemoteNodeIdentity ?? true,
    hasSecret: ({ name }) => !name.startsWith('missing'),
  });
  const known = oracle.prefixes.map(formatPrefix);
  const peers = peersOf(input, oracle, Object.keys(expect.cidrIdentities ?? {}));
  const differences = known
    .filter((prefix) => !Object.hasOwn(expect.cidrIdentities ?? {}, prefix))
    .map((prefix) => `the oracle knows of ${prefix}, which has no identity`);
  (input.subjects ?? []).forEach((subject, i) => {
    const wanted = expect.subjects[i] as Expected;
    if (!wanted.unstable?.includes('mapState')) {
      differences.push(...compareSubject(oracle, subjectOf(input, subject), peers, wanted).map((text) => `subjects[${i}] ${text}`));
    }
  });
  return input.caution === undefined ? differences : [];
}

/** What is intended, then what 1.13.3 writes, where that is another thing. */
function compareSubject(oracle: Oracle, subject: OracleSubject, peers: Peers, wanted: Expected): string[] {
  const {
    error,
    mapState,
    mapStateAlternatives = [],
    firstWrite,
    firstWriteAlternatives = [],
    nextWrite,
    nextWriteAlternatives = [],
  } = wanted;
  return [
    ...differencesFrom({ oracle, subject, peers, error, write: null }, [mapState ?? [], ...mapStateAlternatives]),
    ...(firstWrite === undefined
      ? []
      : differencesFrom({ oracle, subject, peers, error, write: 'first' }, [firstWrite, ...firstWriteAlternatives])),
    ...(nextWrite === undefined
      ? []
      : differencesFrom({ oracle, subject, peers, error, write: 'next' }, [nextWrite, ...nextWriteAlternatives])),
  ];
}

type Peers = readonly (readonly [id: number | string, peer: OraclePeer])[];

interface Comparison {
  readonly oracle: Oracle;
  readonly subject: OracleSubject;
  readonly peers: Peers;
  readonly error: string | undefined;
  /** A write of 1.13.3, in which a named quirk may let through what is denied; `null`: what is intended. */
  readonly write: 'first' | 'next' | null;
}

/** The first of the possible results that fits, or what differs from the first. */
function differencesFrom(comparison: Comparison, possible: readonly (readonly MapRow[])[]): string[] {
  const all = possible.map((rows) => differencesOf(comparison, rows));
  return all.find((differences) => differences.length === 0) ?? all[0] ?? [];
}

function differencesOf({ oracle, subject, peers, error, write }: Comparison, rows: readonly MapRow[]): string[] {
  const table = new Map(rows.map(([direction, id, port, proto, verdict]) => [`${direction} ${id} ${port} ${proto}`, verdict]));
  const differences: string[] = [];
  for (const [id, peer] of peers) {
    for (const flow of flowsOf(rows)) {
      const told = oracle.judge(subject, peer, flow);
      if (told.verdict === 'error' || error !== undefined) {
        return (told.verdict === 'error') === (error !== undefined)
          ? []
          : [`oracle: ${told.verdict === 'error' ? told.why : told.verdict}; expected: ${error ?? 'a result'}`];
      }
      const expected = lookup(table, id, flow);
      const lifted = told.verdict === 'drop' ? expected !== 'deny' : told.quirks.includes(12) && expected.startsWith('redirect');
      const quirk = write !== null && lifted ? oracle.releasedQuirk(subject, peer, flow) : null;
      if (!fits(told, expected) && quirk !== 1 && !(quirk === 2 && write === 'first')) {
        const what = `${told.verdict}${told.verdict === 'pass' ? ` (proxy: ${told.proxy})` : ''}`;
        differences.push(`${write ?? ''} ${flow.direction} ${id} ${flow.port}/${flow.protocol}: oracle ${what}, expected ${expected}`);
      }
    }
  }
  return differences;
}

/** First hit in the datapath's order; entries for all ports send nobody to a proxy. @see cilium:bpf/lib/policy.h#__policy_can_access */
function lookup(table: ReadonlyMap<string, string>, id: number | string, { direction, port, protocol }: OracleFlow): string {
  const proto = NUMBERS[protocol];
  const keys = [
    [id, port, proto],
    [0, port, proto],
    [id, 0, proto],
    [0, 0, proto],
    [id, 0, 0],
    [0, 0, 0],
  ] as const;
  const hit = keys.findIndex((key) => table.has(`${direction} ${key.join(' ')}`));
  const verdict = hit < 0 ? 'deny' : (table.get(`${direction} ${(keys[hit] ?? []).join(' ')}`) ?? 'deny');
  return hit >= 2 && verdict.startsWith('redirect') ? 'allow' : verdict;
}

/** A whole computation: whoever is known when it is made is sent to the proxy. */
function fits(told: Exclude<Judged, { readonly verdict: 'error' }>, expected: string): boolean {
  switch (told.verdict) {
    case 'drop':
      return expected === 'deny';
    case 'pass':
      return expected === 'allow' ? told.proxy === 'no' : expected.startsWith('redirect') && told.proxy !== 'no';
    case 'http':
      return expected.startsWith('redirect:cilium-http');
    case 'proxy':
      return expected.startsWith(told.parser === 'dns' ? 'redirect:cilium-dns' : 'redirect:cilium-proxylib');
  }
}

/** Every port that an entry names, its neighbours, and one that nobody names; each with every protocol. */
function flowsOf(rows: readonly MapRow[]): OracleFlow[] {
  const named = rows.map(([, , port]) => port);
  const ports = [...new Set([...named, ...named.map((port) => port + 1), 4711])].filter((port) => port > 0 && port < 65_536);
  return (['ingress', 'egress'] as const).flatMap((direction) => [
    ...ports.flatMap((port) => (['TCP', 'UDP', 'SCTP'] as const).map((protocol): OracleFlow => ({ direction, port, protocol }))),
    ...[0, ...ports.filter((port) => port < 256)].flatMap((port) =>
      (['ICMP', 'ICMPv6'] as const).map((protocol): OracleFlow => ({ direction, port, protocol })),
    ),
  ]);
}

/** The objects that are in force in the end: what is refused leaves the one before in its place. */
function inForce({ policies = [] }: PolicyCase, expect: PolicyExpectation): K8sObject[] {
  const objects = new Map<string, K8sObject>();
  policies.forEach((object, i) => {
    if (expect.policies[i]?.accepted) {
      const { name = '', namespace = 'default', uid = '' } = (object['metadata'] ?? {}) as Record<string, string | undefined>;
      const key = object['kind'] === 'CiliumRules' ? `${i}` : `${String(object['kind'])} ${namespace} ${name} ${uid}`;
      objects.delete(key);
      objects.set(key, object);
    }
  });
  return [...objects.values()];
}

function peersOf({ identities = [] }: PolicyCase, oracle: Oracle, prefixes: readonly string[]): Peers {
  const labelled = new Map<number, OraclePeer>(Object.entries(RESERVED).map(([id, names]) => [Number(id), oracle.reserved(...names)]));
  for (const { id, labels = [] } of identities) {
    labelled.set(id, { labels: labels.map(readLabel), prefix: null });
  }
  return [...labelled, ...prefixes.map((text) => [`cidr:${text}`, oracle.prefix(parsePrefix(text))] as const)];
}

function subjectOf({ identities = [] }: PolicyCase, { identity, namedPorts }: SubjectInput): OracleSubject {
  const listed = identities.find(({ id }) => id === identity)?.labels;
  const texts = listed ?? (RESERVED[identity] ?? []).map((name) => `reserved:${name}=`);
  return { labels: texts.map(readLabel), ports: portsOf(namedPorts) };
}

function portsOf(namedPorts: SubjectInput['namedPorts'] = {}): ModelPort[] {
  return Object.entries(namedPorts).map(([name, { port, proto }]) => modelPort(name, port, proto));
}

function modelPort(name: string, port: number, proto = 'TCP'): ModelPort {
  return { name: name.toLowerCase(), port, protocol: proto.toUpperCase() as ModelPort['protocol'] };
}

function clusterOf({ subjects = [], clusterNamedPorts, dns, services = [], endpoints = [], config }: PolicyCase): ModelCluster {
  const ports =
    clusterNamedPorts?.map(({ name, port, proto }) => modelPort(name, port, proto)) ?? subjects.flatMap((one) => portsOf(one.namedPorts));
  return {
    name: config?.clusterName ?? 'default',
    namespaces: [],
    pods: [{ name: 'all', namespace: 'default', labels: {}, ports }],
    services: services
      .filter(({ spec }) => Object.keys(spec?.selector ?? {}).length === 0)
      .map(({ metadata: { name, namespace = 'default', labels = {} } }): ModelService => {
        const own = endpoints.filter(({ metadata }) => metadata.name === name && (metadata.namespace ?? 'default') === namespace);
        return {
          name,
          namespace,
          labels,
          backends: own.flatMap(({ subsets }) => (subsets ?? []).flatMap(({ addresses }) => (addresses ?? []).map(({ ip }) => ip))),
        };
      }),
    dns: dns ?? {},
  };
}

export const oracleModule: ConformanceModule = {
  kind: 'oracle',
  emit: null,
  compare: () => {
    const files = POLICY_SUITES.filter((suite) => hasShared(policyFile(suite)));
    const cases = files.flatMap((suite) => readLines(sharedFile(policyFile(suite))).map(checkOracleCase));
    return cases.length === 0 ? [] : [{ suite: 'oracle', cases }];
  },
};
