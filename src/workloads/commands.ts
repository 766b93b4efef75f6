/** The programs a container's image is taken to have. */
import { formatIpv4 } from '../net/ipv4.ts';
import { SECOND } from '../sim/clock.ts';
import { agnhostConnect } from './agnhost_connect.ts';
import { cqlsh } from './cassandra/cqlsh.ts';
import { doorClient } from './cloud_city.ts';
import { curl } from './curl.ts';
import { GUIDE_BROKER } from './kafka/console.ts';
import { kafkaConsume } from './kafka/consumer.ts';
import { kafkaProduce } from './kafka/producer.ts';
import { python } from './memcached/python.ts';
import { nc } from './nc.ts';
import { ping } from './ping.ts';
import type { ProcessEnv, ProcessResult, Program, RunningProcess } from './process.ts';
import { resolve } from './resolver.ts';
import { sh } from './sh.ts';

const PROGRAMS: Readonly<Record<string, Program>> = {
  curl: (env, argv, done) => curl(env, argv.slice(1), done),
  true: (env, _argv, done) => finish(env, done, 0, ''),
  false: (env, _argv, done) => finish(env, done, 1, ''),
  echo: (env, argv, done) => finish(env, done, 0, echo(argv.slice(1))),
  hostname: (env, _argv, done) => finish(env, done, 0, `${env.hostname}\n`),
  sleep: (env, argv, done) => finish(env, done, 0, '', Number.parseFloat(argv[1] ?? '0') * SECOND),
  cat: (env, argv, done) =>
    argv[1] === '/etc/resolv.conf'
      ? finish(env, done, 0, resolvConf(env))
      : argv[1] === undefined
        ? finish(env, done, 0, env.stdin ?? '')
        : finish(env, done, 1, '', 0, `cat: ${argv[1]}: No such file or directory\n`),
  agnhost: (env, argv, done) =>
    argv[1] === 'connect'
      ? agnhostConnect(env, argv.slice(2), done)
      : finish(env, done, 1, '', 0, `Error: unknown command ${JSON.stringify(argv[1] ?? '')} for "app"\n`),
  ping: (env, argv, done) => ping(env, argv.slice(1), done),
  python3: (env, argv, done) => python3(env, argv.slice(1), done),
  nslookup: (env, argv, done) => nslookup(env, argv[1] ?? '', done),
  nc: (env, argv, done) => nc(env, argv.slice(1), done),
  sh: (env, argv, done) => sh(env, argv.slice(1), execute, done),
  cqlsh: (env, argv, done) => cqlsh(env, argv.slice(1), done),
  'kafka-console-producer.sh': (env, argv, done) => kafkaProduce(env, argv.slice(1), done),
  'kafka-console-consumer.sh': (env, argv, done) => kafkaConsume(env, argv.slice(1), done),
  // The scripts of the guide's image; its output implies that consumers begin at the beginning.
  'kafka-produce.sh': (env, argv, done) => kafkaProduce(env, ['--broker-list', GUIDE_BROKER, ...argv.slice(1)], done),
  'kafka-consume.sh': (env, argv, done) =>
    kafkaConsume(env, ['--bootstrap-server', GUIDE_BROKER, '--from-beginning', ...argv.slice(1)], done),
};

/** Other names of programs. */
const ALIASES: Readonly<Record<string, string>> = { python: 'python3', bash: 'sh', ash: 'sh', dash: 'sh', netcat: 'nc' };

/** Names of the programs, for messages. */
export const PROGRAM_NAMES: readonly string[] = Object.keys(PROGRAMS);

/** Starts a command; a program that is not there gives the container runtime's message and exit code 127. */
export function execute(env: ProcessEnv, argv: readonly string[], done: (result: ProcessResult) => void): RunningProcess {
  const typed = (argv[0] ?? '').replace(/^.*\//, '');
  const name = ALIASES[typed] ?? typed;
  const program = Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
  if (program === undefined) {
    const message = `OCI runtime exec failed: exec failed: unable to start container process: exec: "${argv[0] ?? ''}": executable file not found in $PATH: unknown\n`;
    return finish(env, done, 127, '', 0, message);
  }
  return program(env, argv, done);
}

function finish(
  env: ProcessEnv,
  done: (result: ProcessResult) => void,
  exitCode: number,
  stdout: string,
  delay = 0,
  stderr = '',
): RunningProcess {
  const timer = env.scheduler.after(delay, 'process', () => done({ exitCode, stdout, stderr }));
  return { kill: () => timer.cancel() };
}

/** `echo [-neE] words`, as busybox and bash have it. */
function echo(args: readonly string[]): string {
  const count = args.findIndex((arg) => !/^-[neE]+$/.test(arg));
  const flags = (count < 0 ? args : args.slice(0, count)).join('');
  const text = (count < 0 ? [] : args.slice(count)).join(' ');
  const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', a: '\u0007' };
  const shown = flags.includes('e') ? text.replace(/\\([nrta\\])/g, (_all, c: string) => escapes[c] ?? c) : text;
  return flags.includes('n') ? shown : `${shown}\n`;
}

function resolvConf(env: ProcessEnv): string {
  const { nameserver, search, ndots } = env.resolvConf;
  return `search ${search.join(' ')}\nnameserver ${formatIpv4(nameserver)}\noptions ndots:${ndots}\n`;
}

function nslookup(env: ProcessEnv, host: string, done: (result: ProcessResult) => void): RunningProcess {
  const server = formatIpv4(env.resolvConf.nameserver);
  const head = `Server:\t\t${server}\nAddress:\t${server}#53\n\n`;
  const cancel = resolve(env, host, (result) => {
    if (result.ok) {
      done({
        exitCode: 0,
        stdout: head + result.addresses.map((one) => `Name:\t${host}\nAddress: ${formatIpv4(one)}\n`).join(''),
        stderr: '',
      });
    } else {
      done({ exitCode: 1, stdout: `${head}** server can't find ${host}: NXDOMAIN\n`, stderr: '' });
    }
  });
  return { kill: cancel };
}

/** The scripts there are; other programs are those of a memcached client. */
function python3(env: ProcessEnv, argv: readonly string[], done: (result: ProcessResult) => void): RunningProcess {
  const [script = ''] = argv;
  if (script === '/cloudcity/cc_door_client.py') {
    return doorClient(env, argv.slice(1), done);
  }
  if (script === '-c' || script === '') {
    return python(env, argv, done);
  }
  const message = `python3: can't open file '${script}': [Errno 2] No such file or directory\n`;
  return finish(env, done, 2, '', 0, message);
}
