/**
 * Verbs about the cluster and kubectl itself: `version`, `cluster-info`, `api-resources`, `api-versions`, `config`.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/version/version.go
 */
import type { ClusterView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { kubectlTable, printed } from '../table.ts';
import { type Parsed, ready, refused, unknownWord } from '../tool.ts';
import { get, text } from './columns/cell.ts';
import { printJsonPath } from './output/jsonpath.ts';
import { yamlText } from './output/yaml_text.ts';
import { apiVersionOf, qualifiedPlural, RESOURCE_TYPES } from './resource_types.ts';
import type { KubectlVerb } from './verb.ts';

/** Where the API server is, as the kubeconfig of k3s has it. */
const SERVER = 'https://127.0.0.1:6443';

/** `kubectl version`. */
export const versionVerb: KubectlVerb = {
  name: 'version',
  summary: 'versions of kubectl and of the server',
  flags: [{ name: 'client' }, { name: 'short' }, { name: 'output', short: 'o', value: true, choices: ['json', 'yaml'] }],
  parse: (flags) =>
    ready(({ cluster }) => {
      const version = serverVersion(cluster);
      const info = { gitVersion: version, major: '1', minor: version.split('.')[1] ?? '', platform: 'linux/amd64' };
      const all = { clientVersion: info, kustomizeVersion: 'v5.0.1', ...(flags.has('client') ? {} : { serverVersion: info }) };
      const output = flags.value('output');
      if (output === 'json' || output === 'yaml') {
        return printed(output === 'yaml' ? yamlText(all) : `${JSON.stringify(all, null, 2)}\n`);
      }
      const server = flags.has('client') ? '' : `Server Version: ${version}\n`;
      return printed(`Client Version: ${version}\nKustomize Version: v5.0.1\n${server}`);
    }),
};

/** The version of the first node's kubelet: k3s has one for all. */
function serverVersion(cluster: ClusterView): string {
  return text(get(cluster.list('Node', null)[0], 'status', 'nodeInfo', 'kubeletVersion'), 'v1.27.1');
}

/** `kubectl cluster-info`. */
export const clusterInfoVerb: KubectlVerb = {
  name: 'cluster-info',
  summary: 'where the control plane is',
  flags: [],
  parse: (flags) =>
    flags.positional.length > 0
      ? refused(`error: kubectl cluster-info ${flags.positional[0] ?? ''} is not modelled`)
      : ready(() =>
          printed(
            `Kubernetes control plane is running at ${SERVER}\nCoreDNS is running at ${SERVER}/api/v1/namespaces/kube-system/services/kube-dns:dns/proxy\n\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n`,
          ),
        ),
};

/** `kubectl api-resources`. */
export const apiResourcesVerb: KubectlVerb = {
  name: 'api-resources',
  summary: 'the kinds of objects',
  flags: [
    { name: 'namespaced', value: true, bare: 'true', choices: ['true', 'false'] },
    { name: 'api-group', value: true },
    { name: 'output', short: 'o', value: true, choices: ['name', 'wide'] },
    { name: 'no-headers' },
    { name: 'sort-by', value: true },
    { name: 'verbs', value: true },
  ],
  parse: (flags) =>
    ready(() => {
      const namespaced = flags.value('namespaced');
      const group = flags.value('api-group');
      const types = RESOURCE_TYPES.filter(
        (type) => (namespaced === null || type.namespaced === (namespaced === 'true')) && (group === null || type.group === group),
      ).toSorted((a, b) => compare(a.group, b.group) || compare(a.plural, b.plural));
      if (flags.value('output') === 'name') {
        return printed(types.map((type) => `${qualifiedPlural(type)}\n`).join(''));
      }
      const rows = types.map((type) => [type.plural, type.shortNames.join(','), apiVersionOf(type), String(type.namespaced), type.kind]);
      const head = ['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND'];
      return printed(kubectlTable(flags.has('no-headers') ? rows : [head, ...rows]));
    }),
};

/** `kubectl api-versions`. */
export const apiVersionsVerb: KubectlVerb = {
  name: 'api-versions',
  summary: 'the groups and versions of the kinds',
  flags: [],
  parse: () =>
    ready(() =>
      printed(
        [...new Set(RESOURCE_TYPES.map(apiVersionOf))]
          .sort()
          .map((one) => `${one}\n`)
          .join(''),
      ),
    ),
};

const CONFIG = {
  apiVersion: 'v1',
  clusters: [{ cluster: { 'certificate-authority-data': 'DATA+OMITTED', server: SERVER }, name: 'default' }],
  contexts: [{ context: { cluster: 'default', user: 'default' }, name: 'default' }],
  'current-context': 'default',
  kind: 'Config',
  preferences: {},
  users: [{ name: 'default', user: { 'client-certificate-data': 'DATA+OMITTED', 'client-key-data': 'DATA+OMITTED' } }],
};
const CONFIG_ACTIONS = ['current-context', 'get-clusters', 'get-contexts', 'view'];

/** `kubectl config`, as k3s writes the file. */
export const configVerb: KubectlVerb = {
  name: 'config',
  summary: 'the kubeconfig',
  flags: [
    { name: 'minify' },
    { name: 'current' },
    { name: 'raw' },
    { name: 'no-headers' },
    { name: 'output', short: 'o', value: true, choices: ['yaml', 'json', 'jsonpath=', 'name'] },
  ],
  parse: parseConfig,
  complete: (before) => (before.length === 0 ? CONFIG_ACTIONS : []),
};

function parseConfig(flags: Flags): Parsed {
  const [action = ''] = flags.positional;
  switch (action) {
    case 'current-context':
      return ready(() => printed('default\n'));
    case 'get-clusters':
      return ready(() => printed('NAME\ndefault\n'));
    case 'get-contexts': {
      const row = ['*', 'default', 'default', 'default', ''];
      return ready(() =>
        printed(
          flags.value('output') === 'name' ? 'default\n' : kubectlTable([['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE'], row]),
        ),
      );
    }
    case 'view':
      return ready(() => {
        const output = flags.value('output') ?? 'yaml';
        if (output.startsWith('jsonpath=')) {
          const result = printJsonPath(output.slice('jsonpath='.length), CONFIG);
          return result.ok ? printed(result.text) : { exitCode: 1, stdout: '', stderr: result.error };
        }
        return printed(output === 'json' ? `${JSON.stringify(CONFIG, null, 4)}\n` : yamlText(CONFIG));
      });
    case 'use-context':
    case 'set-context':
      return refused(`error: kubectl config ${action} is not modelled: there is one cluster; use -n for the namespace`);
    default:
      return unknownWord(`error: unknown command "config ${action}"`, action, CONFIG_ACTIONS);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
