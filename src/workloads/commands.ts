/** The programs a container's image is taken to have. */
import { formatIpv4 } from '../net/ipv4.ts';
import { SECOND } from '../sim/clock.ts';
import { agnhostConnect } from './agnhost_connect.ts';
import { doorClient } from './cloud_city.ts';
import { curl } from './curl.ts';
import { ping } from './ping.ts';
import type { ProcessEnv, ProcessResult, Program, RunningProcess } from './process.ts';
import { resolve } from './resolver.ts';

const PROGRAMS: Readonly<Record<string, Program>> = {
  curl: (env, argv, done) => curl(env, argv.slice(1), done),
  true: (env, _argv, done) => finish(env, done, 0, ''),
  false: (env, _argv, done) => finish(env, done, 1, ''),
  echo: (env, argv, done) => finish(env, done, 0, `${argv.slice(1).join(' ')}\n`),
  hostname: (env, _argv, done) => finish(env, done, 0, `${env.hostname}\n`),
  sleep: (env, argv, done) => finish(env, done, 0, '', Number.parseFloat(argv[1] ?? '0') * SECOND),
  cat: (env, argv, done) =>
    argv[1] === '/etc/resolv.conf'
      ? finish(env, done, 0, resolvConf(env))
      : finish(env, done, 1, '', 0, `cat: ${argv[1] ?? ''}: No such file or directory\n`),
  agnhost: (env, argv, done) =>
    argv[1] === 'connect'
      ? agnhostConnect(env, argv.slice(2), done)
      : finish(env, done, 1, '', 0, `Error: unknown command ${JSON.stringify(argv[1] ?? '')} for "app"\n`),
  ping: (env, argv, done) => ping(env, argv.slice(1), done),
  python3: (env, argv, done) => python3(env, argv.slice(1), done),
  nslookup: (env, argv, done) => nslookup(env, argv[1] ?? '', done),
};

/** Names of the programs, for messages. */
export const PROGRAM_NAMES: readonly string[] = Object.keys(PROGRAMS);

/** Starts a command; a program that is not there gives the container runtime's message and exit code 127. */
export function execute(env: ProcessEnv, argv: readonly string[], done: (result: ProcessResult) => void): RunningProcess {
  const name = (argv[0] ?? '').replace(/^.*\//, '');
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

/** The scripts there are; of the interpreter's own options none. */
function python3(env: ProcessEnv, argv: readonly string[], done: (result: ProcessResult) => void): RunningProcess {
  const [script = ''] = argv;
  if (script === '/cloudcity/cc_door_client.py') {
    return doorClient(env, argv.slice(1), done);
  }
  const message = `python3: can't open file '${script}': [Errno 2] No such file or directory\n`;
  return finish(env, done, 2, '', 0, message);
}
