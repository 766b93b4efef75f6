/** The library without a proxy around it: policies, connections, what the parser answers, and the log. */
import type { ProxylibConnection } from '../../../src/envoy/proxylib/connection.ts';
import { GoFilterInstance } from '../../../src/envoy/proxylib/go_filter.ts';
import { InjectBuffer } from '../../../src/envoy/proxylib/inject_buffer.ts';
import { ProxylibInstance } from '../../../src/envoy/proxylib/instance.ts';
import { concatBytes, fromLatin1, latin1 } from '../../../src/net/bytes.ts';
import { Journey } from '../../../src/sim/journey.ts';
import type { LogEntry } from '../../../src/xds/access_log.ts';
import type { KafkaNetworkPolicyRule, PortNetworkPolicyRule } from '../../../src/xds/npds.ts';

export const POD = '10.0.0.2';

/** Rules of port 80 for identities 1, 3 and 4. */
export function l7Rules(proto: string, ...rules: readonly Readonly<Record<string, string>>[]): PortNetworkPolicyRule {
  return { remote_policies: [1, 3, 4], l7_proto: proto, l7_rules: { l7_allow_rules: rules.map((rule) => ({ rule })) } };
}

export function kafkaRules(...rules: readonly KafkaNetworkPolicyRule[]): PortNetworkPolicyRule {
  return { remote_policies: [1], l7_proto: 'kafka', kafka_rules: { kafka_rules: rules } };
}

/** Bytes of hexadecimal digits. */
export function hex(...parts: readonly string[]): Uint8Array {
  return Uint8Array.from((parts.join('').replace(/\s/g, '').match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)));
}

/** An instance with the policy of one pod. */
export class Library {
  readonly logs: LogEntry[] = [];
  readonly instance: ProxylibInstance;

  constructor(rules: readonly PortNetworkPolicyRule[] | null = null) {
    this.instance = new ProxylibInstance(
      { wallNanos: () => 0n, accessLog: { log: (entry) => void this.logs.push(entry) }, journey: new Journey(() => 0) },
      'node1',
    );
    if (rules !== null) {
      const error = this.update(rules);
      if (error !== null) {
        throw new Error(error);
      }
    }
  }

  update(rules: readonly PortNetworkPolicyRule[]): string | null {
    return this.instance.policyUpdate([
      { endpoint_ips: [POD], endpoint_id: 2, ingress_per_port_policies: [{ port: 80, ...(rules.length === 0 ? {} : { rules }) }] },
    ]);
  }

  /** A connection, with what is injected to be read by the test. */
  connection(proto: string, remoteId = 1, policyName = POD): ProxylibConnection {
    const made = this.instance.newConnection(
      { proto, ingress: true, sourceId: remoteId, destinationId: 2, source: '1.1.1.1:34567', destination: '10.0.0.2:80', policyName },
      new InjectBuffer(),
      new InjectBuffer(),
    );
    if (typeof made === 'string') {
      throw new Error(made);
    }
    return made;
  }

  /** Types and protocols' parts of the log, taken out. */
  takeLogs(): unknown[] {
    return this.logs.splice(0).map(({ entry_type: type, kafka, generic_l7: l7 }) => [type, kafka ?? l7?.fields]);
  }
}

/** What the parser answers, `PASS 4`, and what it injects for the client. */
export function answers(connection: ProxylibConnection, reply: boolean, data: Uint8Array | string, maxOps = 16): string[] {
  const bytes = typeof data === 'string' ? latin1(data) : data;
  const { result, ops } = connection.onData(reply, false, bytes, maxOps);
  const said = ops.map(({ op, bytes: n }) => `${op} ${n}`);
  return result === 'OK' ? said : [...said, result];
}

export function injected(connection: ProxylibConnection): Uint8Array {
  return connection.replyBuffer.take();
}

/** One connection through the filter: pieces of both directions in order, and what came out on both sides. */
export function through(
  library: Library,
  proto: string,
  pieces: readonly { readonly reply: boolean; readonly bytes: Uint8Array }[],
): { readonly toServer: string; readonly toClient: string; readonly failed: boolean; readonly logs: unknown[] } {
  const filter = new GoFilterInstance(library.connection(proto));
  const toServer: Uint8Array[] = [new Uint8Array()];
  const toClient: Uint8Array[] = [new Uint8Array()];
  let failed = false;
  for (const { reply, bytes } of pieces) {
    if (failed) {
      break;
    }
    const { result, output } = filter.onIo(reply, bytes, false);
    failed = result !== 'OK';
    if (!failed) {
      (reply ? toClient : toServer).push(output);
    }
    if (!failed && !reply && filter.wantsReplyInject) {
      const more = filter.onIo(true, new Uint8Array(), false);
      failed = more.result !== 'OK';
      toClient.push(more.output);
    }
  }
  return { toServer: fromLatin1(concatBytes(toServer)), toClient: fromLatin1(concatBytes(toClient)), failed, logs: library.takeLogs() };
}
