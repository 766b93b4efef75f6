/** Asks the simulated network itself: sends the request a question is about, with the journey recorded. */
import type { Cluster } from '../../cluster/cluster.ts';
import { parseIpv4 } from '../../net/ipv4.ts';
import { assertPresent } from '../../sim/assert.ts';
import { MILLISECOND, SECOND } from '../../sim/clock.ts';
import type { Step } from '../../sim/journey.ts';
import { clusterHost } from '../cluster_host.ts';
import type { PodName } from '../host.ts';
import { openConnection } from '../open_connection.ts';
import { curlError, readAnswer } from '../request.ts';
import type { ExplainProtocol, ExplainQuestion, HttpQuestion } from './explanation.ts';
import type { Target } from './place.ts';

/** What came of it. */
export interface ProbeResult {
  /** The journey from the first packet to the last. */
  readonly steps: readonly Step[];
  /** What the client saw, in words. */
  readonly outcome: string;
}

/** Longest wait for a connection: a dropped SYN is repeated once in it. */
const CONNECT_TIMEOUT = 2 * SECOND;
/** Longest wait for a whole answer. */
const REQUEST_TIMEOUT = 10 * SECOND;
/** A datagram and its answer are through by then. */
const DATAGRAM_WAIT = 50 * MILLISECOND;

/** Sends the request and waits for what comes of it. */
export function probe(cluster: Cluster, pod: PodName, target: Target, port: number, question: ExplainQuestion): ProbeResult {
  const { journey } = cluster;
  const recorded = journey.recording;
  journey.recording = true;
  const from = journey.steps.length;
  const outcome =
    question.http !== null ? request(cluster, pod, target, port, question.http) : send(cluster, pod, target, port, question.protocol);
  journey.recording = recorded;
  return { steps: journey.since(from), outcome };
}

function send(cluster: Cluster, pod: PodName, target: Target, port: number, protocol: ExplainProtocol): string {
  switch (protocol) {
    case 'TCP':
      return connect(cluster, pod, target, port);
    case 'UDP':
      return datagram(cluster, pod, target, port);
    case 'SCTP':
      return associate(cluster, pod, target, port);
    case 'ICMP':
      return echo(cluster, pod, target);
  }
}

/** The prefix of a gRPC message of no bytes. */
const EMPTY_MESSAGE = '\0\0\0\0\0';

/** @see kubernetes:test/images/agnhost/connect/connect.go */
function associate(cluster: Cluster, pod: PodName, target: Target, port: number): string {
  const argv = ['agnhost', 'connect', `${target.ip}:${port}`, '--protocol=sctp', `--timeout=${CONNECT_TIMEOUT / SECOND}s`];
  const { exitCode, stderr } = clusterHost(cluster).exec(pod.namespace, pod.name, argv);
  return exitCode === 0 ? 'associated' : stderr.trim().toLowerCase().replace('timeout', 'timed out');
}

function echo(cluster: Cluster, pod: PodName, target: Target): string {
  const argv = ['ping', '-c', '1', '-W', String(CONNECT_TIMEOUT / SECOND), target.ip];
  const { exitCode, stdout } = clusterHost(cluster).exec(pod.namespace, pod.name, argv);
  const error = /^From \S+ icmp_seq=1 (.*)$/m.exec(stdout)?.[1];
  return exitCode === 0 ? 'answered' : (error ?? 'no answer');
}

function request(cluster: Cluster, pod: PodName, target: Target, port: number, http: HttpQuestion): string {
  const named = http.headers.some((header) => /^host\s*:/i.test(header));
  const host = target.host === null || named ? [] : [`Host: ${target.host}${port === 80 ? '' : `:${port}`}`];
  const method = http.method === 'HEAD' ? ['-I'] : ['-X', http.method];
  const grpc = http.http2 === true;
  const sent = http.body ?? (grpc ? EMPTY_MESSAGE : null);
  const data = sent === null ? [] : ['--data-raw', sent];
  const headers = [...host, ...http.headers].flatMap((header) => ['-H', header]);
  const limits = ['--connect-timeout', String(CONNECT_TIMEOUT / SECOND), '-m', String(REQUEST_TIMEOUT / SECOND)];
  const url = `http://${target.ip}${port === 80 ? '' : `:${port}`}${http.path}`;
  const version = grpc ? ['-i', '--http2-prior-knowledge'] : [];
  const argv = ['curl', '-s', ...version, ...method, ...headers, ...data, ...limits, '-w', '\n%{http_code}', url];
  const result = clusterHost(cluster).exec(pod.namespace, pod.name, argv);
  const { status, body } = readAnswer(result);
  if (status === null) {
    return curlError(result.exitCode, result.stderr);
  }
  // A denied call is a 200 with a status of gRPC's own; that of an answered one comes after the body, where curl does not show it.
  const code = grpc ? /^grpc-status: (\d+)\r?$/m.exec(body)?.[1] : undefined;
  const said = grpc ? (code === undefined ? '' : `grpc-status ${code}`) : (body.split('\n')[0]?.trim() ?? '');
  return `${status} ${said}`.trim();
}

function connect(cluster: Cluster, pod: PodName, target: Target, port: number): string {
  const opened = openConnection(cluster, pod, { host: target.ip, port, timeout: CONNECT_TIMEOUT });
  if (!opened.ok) {
    return opened.error;
  }
  opened.connection.close();
  return 'connected';
}

function datagram(cluster: Cluster, pod: PodName, target: Target, port: number): string {
  const env = assertPresent(cluster.nodeOf(pod.namespace, pod.name)?.kubelet.sandbox(pod.namespace, pod.name), 'a running pod').env;
  let answer = 'sent; no answer, which a datagram need not have';
  const remote = { address: assertPresent(parseIpv4(target.ip), 'an address'), port };
  const socket = env.sockets.udp({
    local: { address: env.podIp, port: 0 },
    remote,
    onMessage: () => {
      answer = 'answered';
    },
    onError: (errno) => {
      answer = `refused (${errno})`;
    },
  });
  if (typeof socket === 'string') {
    return `no socket (${socket})`;
  }
  socket.send(remote, new Uint8Array(1));
  cluster.advance(DATAGRAM_WAIT);
  socket.close();
  return answer;
}
