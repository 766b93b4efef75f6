/**
 * Services, Endpoints, nodes, namespaces and network policies.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/describe/describe.go#describeService
 */
import type { ClusterView, ObjectView } from '../../cluster_view.ts';
import { get, items, labelsCell, number, selectorCell, text } from '../columns/cell.ts';
import { endpointsCell, nodeRoles } from '../columns/network.ts';
import { annotationPairs, labelPairs, longTime, Page } from './page.ts';

function start(object: ObjectView, namespaced = true): Page {
  const page = new Page();
  page.line(0, `Name:\t${object.metadata.name}`);
  if (namespaced) {
    page.line(0, `Namespace:\t${object.metadata.namespace ?? ''}`);
  }
  page.pairs('Labels', labelPairs(object.metadata.labels));
  page.pairs('Annotations', annotationPairs(get(object, 'metadata', 'annotations')));
  return page;
}

/** The page of a service. */
export function describeService(service: ObjectView, cluster: ClusterView): string {
  const page = start(service);
  const spec = get(service, 'spec');
  page.line(0, `Selector:\t${labelsCell(get(spec, 'selector'))}`);
  page.line(0, `Type:\t${text(get(spec, 'type'), 'ClusterIP')}`);
  page.line(0, 'IP Family Policy:\tSingleStack');
  page.line(0, 'IP Families:\tIPv4');
  page.line(0, `IP:\t${text(get(spec, 'clusterIP'), '')}`);
  page.line(0, `IPs:\t${items(get(spec, 'clusterIPs')).map(String).join(',') || text(get(spec, 'clusterIP'), '<none>')}`);
  const endpoints = cluster
    .list('Endpoints', service.metadata.namespace ?? 'default')
    .find(({ metadata }) => metadata.name === service.metadata.name);
  for (const port of items(get(spec, 'ports'))) {
    const protocol = text(get(port, 'protocol'), 'TCP');
    page.line(0, `Port:\t${text(get(port, 'name'), '<unset>')}\t${number(get(port, 'port'))}/${protocol}`);
    page.line(0, `TargetPort:\t${text(get(port, 'targetPort'), text(get(port, 'port'), ''))}/${protocol}`);
    if (number(get(port, 'nodePort')) !== 0) {
      page.line(0, `NodePort:\t${text(get(port, 'name'), '<unset>')}\t${number(get(port, 'nodePort'))}/${protocol}`);
    }
    page.line(0, `Endpoints:\t${endpoints === undefined ? '<none>' : endpointsCell(ofPort(endpoints, text(get(port, 'name'), '')))}`);
  }
  page.line(0, `Session Affinity:\t${text(get(spec, 'sessionAffinity'), 'None')}`);
  page.line(0, 'Events:\t<none>');
  return page.text();
}

/** The endpoints of one port of the service. */
function ofPort(endpoints: ObjectView, name: string): ObjectView {
  const subsets = items(get(endpoints, 'subsets')).map((subset) => ({
    addresses: get(subset, 'addresses'),
    ports: items(get(subset, 'ports')).filter((port) => text(get(port, 'name'), '') === name),
  }));
  return { ...endpoints, subsets };
}

/** The page of an Endpoints object. */
export function describeEndpoints(endpoints: ObjectView): string {
  const page = start(endpoints);
  page.line(0, 'Subsets:');
  for (const subset of items(get(endpoints, 'subsets'))) {
    const list = (member: string): string =>
      items(get(subset, member))
        .map((one) => text(get(one, 'ip'), ''))
        .join(',') || '<none>';
    page.line(1, `Addresses:\t${list('addresses')}`);
    page.line(1, `NotReadyAddresses:\t${list('notReadyAddresses')}`);
    page.line(1, 'Ports:');
    page.line(2, 'Name\tPort\tProtocol');
    page.line(2, '----\t----\t--------');
    for (const port of items(get(subset, 'ports'))) {
      page.line(2, `${text(get(port, 'name'), '<unset>')}\t${number(get(port, 'port'))}\t${text(get(port, 'protocol'), 'TCP')}`);
    }
    page.line(0, '');
  }
  page.line(0, 'Events:\t<none>');
  return page.text();
}

/** The page of a namespace. */
export function describeNamespace(namespace: ObjectView): string {
  const page = start(namespace, false);
  page.line(0, `Status:\t${text(get(namespace, 'status', 'phase'), 'Active')}`);
  return `${page.text()}\nNo resource quota.\n\nNo LimitRange resource.\n`;
}

/**
 * The page of a node.
 * @remarks Not modelled: conditions, capacity, images, allocated resources.
 */
export function describeNode(node: ObjectView, cluster: ClusterView): string {
  const page = new Page();
  page.line(0, `Name:\t${node.metadata.name}`);
  page.line(0, `Roles:\t${nodeRoles(node)}`);
  page.pairs('Labels', labelPairs(node.metadata.labels));
  page.pairs('Annotations', annotationPairs(get(node, 'metadata', 'annotations')));
  page.line(0, `CreationTimestamp:\t${longTime(node.metadata.creationTimestamp)}`);
  page.line(0, 'Taints:\t<none>');
  page.line(0, 'Unschedulable:\tfalse');
  page.line(0, 'Addresses:');
  for (const address of items(get(node, 'status', 'addresses'))) {
    page.line(1, `${text(get(address, 'type'), '')}:\t${text(get(address, 'address'), '')}`);
  }
  page.line(0, `PodCIDR:\t${text(get(node, 'spec', 'podCIDR'), '')}`);
  page.line(
    0,
    `PodCIDRs:\t${items(get(node, 'spec', 'podCIDRs'))
      .map(String)
      .join(',')}`,
  );
  const pods = cluster.list('Pod', null).filter((pod) => get(pod, 'spec', 'nodeName') === node.metadata.name);
  page.line(0, `Non-terminated Pods:\t(${pods.length} in total)`);
  page.line(1, 'Namespace\tName');
  page.line(1, '---------\t----');
  for (const pod of pods) {
    page.line(1, `${pod.metadata.namespace ?? ''}\t${pod.metadata.name}`);
  }
  page.line(0, 'Events:\t<none>');
  return page.text();
}

/** The page of a NetworkPolicy. @see kubernetes:staging/src/k8s.io/kubectl/pkg/describe/describe.go#describeNetworkPolicySpec */
export function describeNetworkPolicy(policy: ObjectView): string {
  const page = new Page();
  page.line(0, `Name:\t${policy.metadata.name}`);
  page.line(0, `Namespace:\t${policy.metadata.namespace ?? ''}`);
  page.line(0, `Created on:\t${(policy.metadata.creationTimestamp ?? '').replace('T', ' ').replace('Z', ' +0000 UTC')}`);
  page.pairs('Labels', labelPairs(policy.metadata.labels));
  page.pairs('Annotations', annotationPairs(get(policy, 'metadata', 'annotations')));
  const spec = get(policy, 'spec');
  const selector = selectorCell(get(spec, 'podSelector'));
  page.line(0, 'Spec:');
  page.line(
    1,
    `PodSelector: ${selector === '<none>' ? '    <none> (Allowing the specific traffic to all pods in this namespace)' : `    ${selector}`}`,
  );
  const types = items(get(spec, 'policyTypes')).map(String);
  const affected = types.length > 0 ? types : ['Ingress', ...(items(get(spec, 'egress')).length > 0 ? ['Egress'] : [])];
  for (const [type, member, peer, port] of [
    ['Ingress', 'ingress', 'From', 'from'],
    ['Egress', 'egress', 'To', 'to'],
  ] as const) {
    if (!affected.includes(type)) {
      page.line(1, `Not affecting ${member} traffic`);
      continue;
    }
    page.line(1, `Allowing ${member} traffic:`);
    describeRules(page, items(get(spec, member)), { peer, member: port, ingress: type === 'Ingress' });
  }
  page.line(1, `Policy Types: ${affected.join(', ')}`);
  return page.text();
}

function describeRules(
  page: Page,
  rules: readonly unknown[],
  words: { readonly peer: string; readonly member: string; readonly ingress: boolean },
): void {
  if (rules.length === 0) {
    page.line(2, `<none> (Selected pods are isolated for ${words.ingress ? 'ingress' : 'egress'} connectivity)`);
  }
  rules.forEach((rule, i) => {
    const ports = items(get(rule, 'ports'));
    if (ports.length === 0) {
      page.line(2, 'To Port: <any> (traffic allowed to all ports)');
    }
    for (const port of ports) {
      page.line(2, `To Port: ${text(get(port, 'port'), '<any>')}/${text(get(port, 'protocol'), 'TCP')}`);
    }
    const peers = items(get(rule, words.member));
    page.line(
      2,
      peers.length === 0
        ? `${words.peer}: <any> (traffic not restricted by ${words.ingress ? 'source' : 'destination'})`
        : `${words.peer}:`,
    );
    for (const peer of peers) {
      describePeer(page, peer);
    }
    if (i < rules.length - 1) {
      page.line(2, '----------');
    }
  });
}

function describePeer(page: Page, peer: unknown): void {
  const block = get(peer, 'ipBlock');
  if (block !== undefined) {
    page.line(3, 'IPBlock:');
    page.line(4, `CIDR: ${text(get(block, 'cidr'), '')}`);
    page.line(4, `Except: ${items(get(block, 'except')).map(String).join(', ')}`);
    return;
  }
  for (const [title, member] of [
    ['NamespaceSelector', 'namespaceSelector'],
    ['PodSelector', 'podSelector'],
  ] as const) {
    if (get(peer, member) !== undefined) {
      page.line(3, `${title}: ${selectorCell(get(peer, member))}`);
    }
  }
}
