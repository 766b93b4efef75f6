/**
 * curl outside of pods: the proxy's admin interface, on its socket in the agent's container.
 * @see cilium:bugtool/cmd/configuration.go#defaultCommands
 */
import { agentNode } from './agent_node.ts';
import { parseFlags } from './flags.ts';
import { failed, printed } from './table.ts';
import { type Parsed, ready, refused, type Tool } from './tool.ts';

/** Where Envoy's admin interface listens. */
const ADMIN_SOCKETS = ['/var/run/cilium/envoy-admin.sock', '/var/run/cilium/envoy/sockets/admin.sock'];
/** curl's exit code for options it does not know. */
const FAILED_INIT = 2;
/** curl's exit code when nobody accepts the connection. */
const COULDNT_CONNECT = 7;
const FLAGS = [
  { name: 'silent', short: 's' },
  { name: 'show-error', short: 'S' },
  { name: 'unix-socket', value: true },
  { name: 'request', short: 'X', value: true },
];
/** Pages people ask for. */
const PAGES = ['config_dump', 'config_dump?include_eds', 'clusters', 'listeners', 'stats', 'server_info', 'certs', 'help'];

/** The tool. */
export const adminCurlTool: Tool = {
  name: 'curl',
  summary: "the proxy's admin interface: curl -s --unix-socket /var/run/cilium/envoy-admin.sock http://admin/config_dump",
  parse,
  complete: (words) => [
    ...FLAGS.map(({ name }) => `--${name}`),
    ...(words.length > 1 ? ADMIN_SOCKETS : []),
    ...PAGES.map((page) => `http://admin/${page}`),
  ],
};

function parse(args: readonly string[]): Parsed {
  const parsed = parseFlags(args, FLAGS);
  if (!parsed.ok) {
    return refused(`curl: ${parsed.error}`, FAILED_INIT);
  }
  const socket = parsed.flags.value('unix-socket');
  const url = parsed.flags.positional[0];
  if (socket === null) {
    return refused(
      "curl runs inside a pod: write kubectl exec POD -- curl …, or use --unix-socket for the proxy's admin interface",
      COULDNT_CONNECT,
    );
  }
  if (!ADMIN_SOCKETS.includes(socket) || url === undefined) {
    return refused(`curl: nothing listens on ${socket}; the proxy's admin interface is ${ADMIN_SOCKETS[0] as string}`, COULDNT_CONNECT);
  }
  const path = url.replace(/^(?:https?:\/\/)?[^/?]+/, '') || '/';
  const silent = parsed.flags.has('silent') && !parsed.flags.has('show-error');
  const method = parsed.flags.value('request') ?? 'GET';
  return ready((context) => {
    const node = agentNode(context);
    if (typeof node === 'string') {
      return failed(node);
    }
    const answer = node.envoyAdmin(path, method);
    return answer === null
      ? { exitCode: COULDNT_CONNECT, stdout: '', stderr: silent ? '' : "curl: (7) Couldn't connect to server\n" }
      : printed(answer.body);
  });
}
