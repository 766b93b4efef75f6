/**
 * Columns of Ingresses and their classes.
 * @see kubernetes:pkg/printers/internalversion/printers.go#printIngress
 */
import type { ObjectView } from '../../cluster_view.ts';
import { AGE, type Column, get, items, NAME, text } from './cell.ts';

/** Addresses are cut there unless the output is wide. @see kubernetes:pkg/printers/internalversion/printers.go#loadBalancerWidth */
const ADDRESS_WIDTH = 16;
const MAX_HOSTS = 3;

/** Ingresses. */
export const INGRESS_COLUMNS: readonly Column[] = [
  NAME,
  { title: 'CLASS', cell: (ingress) => text(get(ingress, 'spec', 'ingressClassName'), '<none>') },
  { title: 'HOSTS', cell: hosts },
  { title: 'ADDRESS', cell: addresses },
  { title: 'PORTS', cell: (ingress) => (items(get(ingress, 'spec', 'tls')).length > 0 ? '80, 443' : '80') },
  AGE,
];

/** Ingress classes. */
export const INGRESS_CLASS_COLUMNS: readonly Column[] = [
  NAME,
  { title: 'CONTROLLER', cell: (one) => text(get(one, 'spec', 'controller'), '') },
  { title: 'PARAMETERS', cell: parameters },
  AGE,
];

/** @see kubernetes:pkg/printers/internalversion/printers.go#formatHosts */
function hosts(ingress: ObjectView): string {
  const all = items(get(ingress, 'spec', 'rules')).map((rule) => text(get(rule, 'host'), ''));
  const named = all.filter((host) => host !== '');
  if (named.length === 0) {
    return '*';
  }
  return named.slice(0, MAX_HOSTS).join(',') + (named.length > MAX_HOSTS ? ` + ${named.length - MAX_HOSTS} more...` : '');
}

/** @see kubernetes:pkg/printers/internalversion/printers.go#ingressLoadBalancerStatusStringer */
function addresses(ingress: ObjectView): string {
  const all = items(get(ingress, 'status', 'loadBalancer', 'ingress')).map((one) => text(get(one, 'ip'), text(get(one, 'hostname'), '')));
  const shown = [...new Set(all)].join(',');
  return shown.length > ADDRESS_WIDTH ? `${shown.slice(0, ADDRESS_WIDTH - 3)}...` : shown;
}

function parameters(one: ObjectView): string {
  const kind = text(get(one, 'spec', 'parameters', 'kind'), '');
  const group = text(get(one, 'spec', 'parameters', 'apiGroup'), '');
  return kind === '' ? '<none>' : `${kind}${group === '' ? '' : `.${group}`}/${text(get(one, 'spec', 'parameters', 'name'), '')}`;
}
