/**
 * The API server's port as clients without credentials find it: health and version for anybody, 403 for the rest.
 * @see kubernetes:plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go#ClusterRoles
 * @remarks Simplified: the objects are in `k8s/api_server.ts`; nobody gets them here.
 */
import type { Certificate } from '../net/certificate.ts';
import { HttpServer, type ServerRequest, type ServerResponse } from './http_server.ts';

/** Port of k3s' API server. */
export const API_SERVER_PORT = 6443;

/** Signed by the cluster's own authority, which pods do not know unless they read it from their service account. */
const CERTIFICATE: Certificate = {
  names: ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc.cluster.local'],
  issuer: 'k3s-server-ca',
};

/** What system:public-info-viewer may see. */
const PUBLIC = ['/healthz', '/livez', '/readyz'];

/** A server for anonymous clients. */
export function newApiServerPort(): HttpServer {
  return new HttpServer(API_SERVER_PORT, answer, CERTIFICATE);
}

function answer({ method, target }: ServerRequest): ServerResponse {
  const path = target.split('?')[0] as string;
  if (PUBLIC.includes(path)) {
    return { status: 200, contentType: 'text/plain; charset=utf-8', body: 'ok' };
  }
  const message = `forbidden: User "system:anonymous" cannot ${method.toLowerCase()} path "${path}"`;
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'Forbidden',
    details: {},
    code: 403,
  };
  return { status: 403, contentType: 'application/json', body: JSON.stringify(status, null, 2) };
}
