/** A scenario host without a cluster: it answers requests as the article's cluster would, and remembers what was done to it. */

import { EventRing } from '../../src/monitor/event_ring.ts';
import type { OpenResult } from '../../src/scenario/connection.ts';
import type { ScenarioHost } from '../../src/scenario/host.ts';
import type { CommandResult } from '../../src/shell/table.ts';
import type { Step, StepDetail } from '../../src/sim/journey.ts';
import { DENIED_REQUEST, DENIED_RESPONSE, DENIED_VERDICT, DROP, TO_PROXY, VERDICT, WALL } from '../monitor/records.ts';
import { fakeCluster, fakeNode, PODS } from '../shell/fake_cluster.ts';

/** The host and the list of what was done. */
export function fakeHost(): { readonly host: ScenarioHost; readonly log: string[] } {
  const log: string[] = [];
  const events = new EventRing(4095);
  const journey: Step[] = [];
  let now = 58_764_000_000_000;
  const add = (detail: StepDetail): void => void journey.push({ seq: journey.length, at: now, ...detail });
  const see = (
    event:
      | { readonly kind: 'perf'; readonly record: typeof DROP | typeof VERDICT | typeof TO_PROXY }
      | { readonly kind: 'l7'; readonly record: typeof DENIED_REQUEST },
  ): void => void events.push({ ...event, at: now, wallMillis: WALL });
  const policy = (verdict: string, why: string, packet: number): void =>
    add({
      kind: 'decide',
      actor: 'bpf',
      fn: '__policy_can_access',
      see: 'cilium:bpf/lib/policy.h#__policy_can_access',
      packet,
      verdict,
      why,
    });

  const answer = (body: string, status: number, argv: readonly string[]): CommandResult => ({
    exitCode: 0,
    stdout: body + (argv.includes('-w') ? `\n${status}` : ''),
    stderr: '',
  });
  const exec = (namespace: string, pod: string, argv: readonly string[]): CommandResult => {
    log.push(`exec ${namespace}/${pod} ${argv.join(' ')}`);
    if (pod === 'xwing') {
      policy('drop', 'no key of cilium_policy_00863 matched: Policy denied', 2);
      add({ kind: 'decide', actor: 'bpf', fn: 'send_drop_notify', packet: 2, verdict: 'drop', why: 'Policy denied' });
      see({ kind: 'perf', record: DENIED_VERDICT });
      see({ kind: 'perf', record: DROP });
      see({ kind: 'perf', record: DROP });
      now += 5_000_000_000;
      return { exitCode: 28, stdout: argv.includes('-w') ? '\n000' : '', stderr: '' };
    }
    policy('redirect', 'cilium_policy_00863 {29439 80/TCP ingress} matched (L3-L4), proxy port 19313', 1);
    add({
      kind: 'change',
      actor: 'bpf',
      fn: 'ctx_redirect_to_proxy4',
      packet: 1,
      target: 'mark',
      before: '0x00000000',
      after: '0x714b0200',
    });
    see({ kind: 'perf', record: VERDICT });
    see({ kind: 'perf', record: TO_PROXY });
    if (argv.includes('-XPUT')) {
      add({
        kind: 'decide',
        actor: 'envoy',
        fn: 'AccessFilter::decodeHeaders',
        see: 'proxy:cilium/l7policy.cc#AccessFilter::decodeHeaders',
        verdict: 'deny',
        why: 'no rule matches',
      });
      see({ kind: 'l7', record: DENIED_REQUEST });
      see({ kind: 'l7', record: DENIED_RESPONSE });
      return answer('Access denied\r\n', 403, argv);
    }
    return answer('Ship landed\n', 200, argv);
  };
  const reference = (name: string): string =>
    name.replace(/^default\//, '').replace(/^deployment\/deathstar$/, 'deathstar-7848d6c4d5-58jc8');
  const host: ScenarioHost = {
    ...fakeCluster(fakeNode(events)),
    exec,
    now: () => now,
    journey: () => journey,
    apply: (manifests, namespace) => {
      log.push(`apply ${manifests.map(({ file }) => file).join(' ')} in ${namespace}`);
      return [{ kind: 'Service', namespace, name: 'deathstar', outcome: 'created' }];
    },
    delete: (manifests, objects, namespace) => {
      log.push(
        `delete ${[...manifests.map(({ file }) => file), ...objects.map(({ kind, name }) => `${kind}/${name}`)].join(' ')} in ${namespace}`,
      );
      return [];
    },
    settle: () => void log.push('settle'),
    advance: (nanos) => {
      now += nanos;
    },
    findPod: (name) => {
      const pod = PODS.find(({ podName }) => podName === reference(name));
      return pod === undefined ? null : { namespace: 'default', name: pod.podName };
    },
    connect: (pod, target): OpenResult => {
      log.push(`connect ${pod.name} ${target.host}:${target.port}`);
      return {
        ok: true,
        connection: {
          local: '10.0.0.123:48954',
          request: ({ method, path }) =>
            method === 'POST' ? { ok: true, status: 200, body: 'Ship landed\n' } : { ok: false, error: `reset by ${path}` },
          close: () => void log.push('close'),
        },
      };
    },
    fault: (fault) => {
      log.push(JSON.stringify(fault));
      return null;
    },
    entryOrigins: () => [],
    proxyRuleOrigins: () => [],
    enforced: (endpointId, direction) =>
      endpointId !== 863 || direction !== 'ingress'
        ? null
        : {
            selecting: [
              {
                policy: 'CiliumNetworkPolicy default/rule1',
                position: { file: 'rule1.yaml', line: 5, column: 1 },
                says: 'selects the endpoint',
              },
            ],
            http: [
              {
                policy: 'CiliumNetworkPolicy default/rule1',
                position: { file: 'rule1.yaml', line: 21, column: 11 },
                says: 'allows POST /v1/request-landing',
              },
            ],
          },
  };
  return { host, log };
}
