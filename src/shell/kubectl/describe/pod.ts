/**
 * A pod, and the containers of a pod's template.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/describe/describe.go#describePod
 * @remarks Not modelled: the volume of the service account's token, and what mounts it.
 */
import type { ObjectView } from '../../cluster_view.ts';
import { get, items, labelsCell, members, number, text } from '../columns/cell.ts';
import { annotationPairs, labelPairs, longTime, Page } from './page.ts';

/** The page of a pod. */
export function describePod(pod: ObjectView): string {
  const page = new Page();
  const status = get(pod, 'status');
  const ip = text(get(status, 'podIP'), '');
  page.line(0, `Name:\t${pod.metadata.name}`);
  page.line(0, `Namespace:\t${pod.metadata.namespace ?? ''}`);
  page.line(0, 'Priority:\t0');
  page.line(0, `Service Account:\t${text(get(pod, 'spec', 'serviceAccountName'), 'default')}`);
  const node = text(get(pod, 'spec', 'nodeName'), '');
  page.line(0, `Node:\t${node === '' ? '<none>' : `${node}/${text(get(status, 'hostIP'), '')}`}`);
  if (get(status, 'startTime') !== undefined) {
    page.line(0, `Start Time:\t${longTime(get(status, 'startTime'))}`);
  }
  page.pairs('Labels', labelPairs(pod.metadata.labels));
  page.pairs('Annotations', annotationPairs(get(pod, 'metadata', 'annotations')));
  page.line(
    0,
    `Status:\t${get(pod, 'metadata', 'deletionTimestamp') === undefined ? text(get(status, 'phase'), 'Pending') : 'Terminating (lasts <invalid>)'}`,
  );
  page.line(0, `IP:\t${ip}`);
  if (ip === '') {
    page.line(0, 'IPs:\t<none>');
  } else {
    page.line(0, 'IPs:');
    for (const one of items(get(status, 'podIPs'))) {
      page.line(1, `IP:\t${text(get(one, 'ip'), '')}`);
    }
  }
  const owner = items(get(pod, 'metadata', 'ownerReferences')).find((one) => get(one, 'controller') === true);
  if (owner !== undefined) {
    page.line(0, `Controlled By:\t${text(get(owner, 'kind'), '')}/${text(get(owner, 'name'), '')}`);
  }
  describeContainers(page, get(pod, 'spec'), status, '');
  const conditions = items(get(status, 'conditions'));
  if (conditions.length > 0) {
    page.line(0, 'Conditions:');
    page.line(0, '  Type\tStatus');
    for (const one of conditions) {
      page.line(1, `${text(get(one, 'type'), '')} \t${text(get(one, 'status'), '')} `);
    }
  }
  page.line(0, 'Volumes:\t<none>');
  page.line(0, `QoS Class:\t${text(get(status, 'qosClass'), 'BestEffort')}`);
  page.line(0, `Node-Selectors:\t${labelsCell(get(pod, 'spec', 'nodeSelector'))}`);
  page.pairs('Tolerations', [
    'node.kubernetes.io/not-ready:NoExecute op=Exists for 300s',
    'node.kubernetes.io/unreachable:NoExecute op=Exists for 300s',
  ]);
  page.line(0, 'Events:\t<none>');
  return page.text();
}

/** The containers of a pod's specification; `status` is `null` in a template. `indent`: of the title. */
export function describeContainers(page: Page, spec: unknown, status: unknown, indent: string): void {
  page.line(0, `${indent}Containers:`);
  for (const container of items(get(spec, 'containers'))) {
    const name = text(get(container, 'name'), '');
    page.line(1, `${indent === '' ? '' : ' '}${name}:`);
    const state = items(get(status, 'containerStatuses')).find((one) => get(one, 'name') === name);
    describeContainer(page, container, state, status === null);
  }
}

function describeContainer(page: Page, container: unknown, state: unknown, template: boolean): void {
  if (!template) {
    page.line(2, `Container ID:\t${text(get(state, 'containerID'), '')}`);
  }
  page.line(2, `Image:\t${text(get(container, 'image'), '')}`);
  if (!template) {
    page.line(2, `Image ID:\t${text(get(state, 'imageID'), '')}`);
  }
  const ports = items(get(container, 'ports'));
  const list = (member: string): string =>
    ports.length === 0 ? '<none>' : ports.map((port) => `${number(get(port, member))}/${text(get(port, 'protocol'), 'TCP')}`).join(', ');
  page.line(2, `${ports.length > 1 ? 'Ports' : 'Port'}:\t${list('containerPort')}`);
  page.line(2, `${ports.length > 1 ? 'Host Ports' : 'Host Port'}:\t${list('hostPort')}`);
  for (const [title, member] of [
    ['Command', 'command'],
    ['Args', 'args'],
  ] as const) {
    const words = items(get(container, member));
    if (words.length > 0) {
      page.line(2, `${title}:`);
      for (const word of words) {
        page.line(3, String(word));
      }
    }
  }
  if (!template) {
    describeState(page, state);
  }
  describeEnvironment(page, items(get(container, 'env')));
  page.line(2, 'Mounts:\t<none>');
}

function describeState(page: Page, status: unknown): void {
  const [name, state] = members(get(status, 'state'))[0] ?? ['waiting', {}];
  page.line(2, `State:\t${name.charAt(0).toUpperCase()}${name.slice(1)}`);
  if (name === 'running') {
    page.line(3, `Started:\t${longTime(get(state, 'startedAt'))}`);
  } else if (name === 'terminated') {
    page.line(3, `Reason:\t${text(get(state, 'reason'), '')}`);
    page.line(3, `Exit Code:\t${number(get(state, 'exitCode'))}`);
  }
  page.line(2, `Ready:\t${get(status, 'ready') === true ? 'True' : 'False'}`);
  page.line(2, `Restart Count:\t${number(get(status, 'restartCount'))}`);
}

function describeEnvironment(page: Page, env: readonly unknown[]): void {
  if (env.length === 0) {
    page.line(2, 'Environment:\t<none>');
    return;
  }
  page.line(2, 'Environment:');
  for (const one of env) {
    page.line(3, `${text(get(one, 'name'), '')}:\t${text(get(one, 'value'), '')}`);
  }
}
