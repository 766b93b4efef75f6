/**
 * What the API server refuses in an Ingress that is well formed.
 * @see kubernetes:pkg/apis/networking/validation/validation.go#ValidateIngressCreate
 * @remarks Not modelled: backends that are resources of other kinds.
 */
import type { HttpIngressPath, Ingress, IngressBackend } from './objects.ts';
import type { Report } from './schema.ts';

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];
const INVALID_PATH_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F'];
const INVALID_PATH_SUFFIXES = ['/..', '/.'];
const DNS_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const IPV4 = /^\d+\.\d+\.\d+\.\d+$/;

type Path = readonly (string | number)[];

/** Checks the specification; the shape of its members is right already. */
export function ingressIssues({ spec }: Ingress, report: Report): void {
  const { defaultBackend, rules = [], tls = [] } = spec;
  if (defaultBackend === undefined && rules.length === 0) {
    report('required', ['spec'], 'Invalid value: []networking.IngressRule(nil): either `defaultBackend` or `rules` must be specified');
  }
  if (defaultBackend !== undefined) {
    checkBackend(defaultBackend, ['spec', 'defaultBackend'], report);
  }
  rules.forEach(({ host, http }, index) => {
    const path = ['spec', 'rules', index];
    checkHost(host, [...path, 'host'], report);
    if (http !== undefined && http.paths.length === 0) {
      report('required', [...path, 'http', 'paths'], 'paths: Required value');
    }
    http?.paths.forEach((one, at) => {
      checkPath(one, [...path, 'http', 'paths', at], report);
    });
  });
  tls.forEach(({ hosts = [] }, index) => {
    hosts.forEach((host, at) => {
      checkHost(host, ['spec', 'tls', index, 'hosts', at], report);
    });
  });
}

function checkHost(host: string | undefined, path: Path, report: Report): void {
  if (host === undefined || host === '') {
    return;
  }
  const value = `Invalid value: ${JSON.stringify(host)}`;
  if (IPV4.test(host)) {
    report('ingress-host', path, `${value}: must be a DNS name, not an IP address`);
  } else if (host.includes('*') && !(host.startsWith('*.') && DNS_NAME.test(host.slice(2)))) {
    report('ingress-host', path, `${value}: a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain`);
  } else if (!host.includes('*') && !DNS_NAME.test(host)) {
    report('ingress-host', path, `${value}: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'`);
  }
}

function checkPath({ path = '', pathType, backend }: HttpIngressPath, at: Path, report: Report): void {
  if (!PATH_TYPES.includes(pathType)) {
    const known = PATH_TYPES.map((one) => JSON.stringify(one)).join(', ');
    report('ingress-path-type', [...at, 'pathType'], `Unsupported value: ${JSON.stringify(pathType)}: supported values: ${known}`);
  }
  const value = `Invalid value: ${JSON.stringify(path)}`;
  if (pathType === 'ImplementationSpecific' ? path !== '' && !path.startsWith('/') : !path.startsWith('/')) {
    report('ingress-path', [...at, 'path'], `${value}: must be an absolute path`);
  } else if (pathType !== 'ImplementationSpecific') {
    const sequence = INVALID_PATH_SEQUENCES.find((one) => path.includes(one));
    const suffix = INVALID_PATH_SUFFIXES.find((one) => path.endsWith(one));
    if (sequence !== undefined || suffix !== undefined) {
      const wrong = sequence === undefined ? `cannot end with '${suffix ?? ''}'` : `must not contain '${sequence}'`;
      report('ingress-path', [...at, 'path'], `${value}: ${wrong}`);
    }
  }
  checkBackend(backend, [...at, 'backend'], report);
}

function checkBackend({ service, resource }: IngressBackend, path: Path, report: Report): void {
  if (resource !== undefined && resource !== null) {
    report(
      'ingress-backend',
      [...path, 'resource'],
      'backends that are resources are not modelled, and Cilium 1.13.3 ends with a panic on them',
    );
    return;
  }
  if (service === undefined) {
    report('ingress-backend', path, 'Required value: must set resource or service');
    return;
  }
  const { name, number } = service.port ?? {};
  if ((name ?? '') === '' && (number ?? 0) === 0) {
    report('ingress-backend', [...path, 'service', 'port'], 'Required value: port name or number is required');
  } else if (name !== undefined && number !== undefined && number !== 0) {
    report('ingress-backend', [...path, 'service', 'port'], `Invalid value: ${number}: cannot set both port name & port number`);
  } else if (number !== undefined && (!Number.isInteger(number) || number < 1 || number > 65535)) {
    report('ingress-backend', [...path, 'service', 'port', 'number'], `Invalid value: ${number}: must be between 1 and 65535, inclusive`);
  }
}
