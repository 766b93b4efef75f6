/** A case with faults as a scenario that `trenchrun run` replays. */
import { stringify } from 'yaml';
import { durationText } from '../../scenario/duration.ts';
import { CRASH_WITHIN } from '../../scenario/fault.ts';
import type { FaultSection } from '../../scenario/schema/fault.ts';
import type { K8sObject } from '../model/cluster.ts';
import type { OracleRequest } from '../oracle/http.ts';
import type { FaultCase, FaultEvent } from './case.ts';
import { type BrokenByFaults, RECOVERY } from './play.ts';
import type { FaultScene } from './scene.ts';

/** The text. It fails as long as the case breaks the property. */
export function faultScenarioText(scene: FaultScene, one: FaultCase, broken: BrokenByFaults, description: string): string {
  const pods = scene.objects(one);
  const { from, seed } = one;
  const { clusterName, options, quirks = {} } = scene.options(one);
  const scenario = {
    name: `Counterexample: ${broken.text}`,
    description,
    cluster: {
      seed,
      ...(clusterName === 'default' ? {} : { name: clusterName }),
      ...(Object.keys(options).length === 0 ? {} : { options }),
      ...(Object.keys(quirks).length === 0 ? {} : { quirks }),
      pins: scene.pins(one),
      ...(from.kind === 'address' ? { world: [{ name: 'outside', ip: from.ip, podRoutes: true }] } : {}),
    },
    steps: [
      { apply: manifestText(pods) },
      ...(scene.policies.length === 0 ? [] : [{ apply: manifestText(scene.policies) }]),
      ...openKept(scene, one),
      ...one.events.flatMap((event) => stepsOf(scene, one, event, broken)),
      ...(broken.what === 'liveness' ? recovered(scene, one, broken) : []),
    ],
  };
  return stringify(scenario, { lineWidth: 0, blockQuote: 'literal', aliasDuplicateObjects: false });
}

function manifestText(objects: readonly K8sObject[]): string {
  return objects.map((object) => stringify(object, { lineWidth: 0, version: '1.1' })).join('---\n');
}

function openKept(scene: FaultScene, one: FaultCase): K8sObject[] {
  const kept = one.events.some((event) => event.kind === 'request' && event.kept);
  return kept
    ? [{ connection: { open: 'kept', from: clientOf(scene, one), to: `${scene.server}:${one.port}`, connectTimeout: '3s' } }]
    : [];
}

function stepsOf(scene: FaultScene, one: FaultCase, event: FaultEvent, { what, request }: BrokenByFaults): K8sObject[] {
  switch (event.kind) {
    case 'fault':
      return [{ fault: faultYaml(event.fault) }];
    case 'wait':
      return [{ advance: durationText(event.nanos) }];
    case 'apply':
    case 'delete': {
      const object = scene.policies[event.policy];
      return object === undefined ? [] : [{ [event.kind]: manifestText([object]), wait: false }];
    }
    case 'request': {
      const sent = one.requests[event.request % one.requests.length] as OracleRequest;
      const expect = what === 'safety' && sent === request ? { expect: { outcome: ['denied', 'dropped', 'failed'], arrived: false } } : {};
      return [{ ...requestStep(scene, one, sent, event.kept), ...expect }];
    }
  }
}

/** Everything ends, and then all must be well. */
function recovered(scene: FaultScene, one: FaultCase, { request }: BrokenByFaults): K8sObject[] {
  const longest = Math.max(0, ...one.events.map((event) => (event.kind === 'fault' ? longestOf(event.fault) : 0)));
  return [
    { advance: durationText(longest + RECOVERY) },
    { name: 'all faults are over', ...requestStep(scene, one, request, false), expect: { outcome: 'answered' } },
  ];
}

/** How long after its beginning a fault is over at the latest. */
function longestOf(fault: FaultSection): number {
  const waits = fault.kind === 'agent-crash' && fault.at !== undefined ? (fault.within ?? CRASH_WITHIN) : 0;
  return waits + ('for' in fault ? (fault.for ?? 0) : 0);
}

function requestStep(scene: FaultScene, one: FaultCase, { method, path, host, headers: given }: OracleRequest, kept: boolean): K8sObject {
  const headers = { ...given, ...(host === '' ? {} : { host }) };
  const more = { ...(Object.keys(headers).length === 0 ? {} : { headers }), timeout: '3s' };
  const url = `${scene.server}${one.port === 80 ? '' : `:${one.port}`}${path}`;
  return { request: kept ? { connection: 'kept', path, method, ...more } : { from: clientOf(scene, one), url, method, ...more } };
}

function clientOf(scene: FaultScene, one: FaultCase): string {
  return scene.client(one).join('/');
}

/** Durations are written as people write them. */
export function faultYaml(fault: FaultSection): K8sObject {
  return Object.fromEntries(
    Object.entries(fault).map(([key, value]) => [
      key,
      ['for', 'within', 'delay', 'by'].includes(key) ? durationText(value as number) : value,
    ]),
  );
}
