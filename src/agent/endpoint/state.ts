/**
 * Endpoint states and which may follow which.
 * @see cilium:pkg/endpoint/endpoint.go#Endpoint.setState
 */

/** The states, by the names of the API. */
export type EndpointState =
  | 'waiting-for-identity'
  | 'waiting-to-regenerate'
  | 'regenerating'
  | 'restoring'
  | 'ready'
  | 'disconnecting'
  | 'disconnected'
  | 'invalid';

const ALLOWED: Readonly<Record<EndpointState | 'new', readonly EndpointState[]>> = {
  new: ['waiting-for-identity', 'restoring'],
  'waiting-for-identity': ['ready', 'disconnecting', 'invalid'],
  ready: ['waiting-for-identity', 'disconnecting', 'waiting-to-regenerate', 'restoring'],
  'waiting-to-regenerate': ['disconnecting', 'restoring'],
  regenerating: ['waiting-for-identity', 'disconnecting', 'waiting-to-regenerate', 'restoring'],
  restoring: ['disconnecting', 'restoring'],
  disconnecting: ['disconnected'],
  disconnected: [],
  invalid: [],
};

/** Whether anybody may ask for this change. */
export function mayFollow(from: EndpointState | 'new', to: EndpointState): boolean {
  return ALLOWED[from].includes(to);
}

/** Whether the builder may make this change. @see cilium:pkg/endpoint/endpoint.go#Endpoint.BuilderSetStateLocked */
export function builderMay(from: EndpointState | 'new', to: EndpointState): boolean {
  return to === 'regenerating' ? from === 'waiting-to-regenerate' || from === 'restoring' : to === 'ready' && from === 'regenerating';
}

/** What of the datapath a regeneration renews. @see cilium:pkg/endpoint/regeneration/regeneration_context.go#DatapathRegenerationLevel */
export const REGENERATION_LEVELS = ['invalid', 'no-rebuild', 'reload', 'rewrite+load', 'compile+load'] as const;
export const REGENERATE_WITHOUT_DATAPATH = 1;
export const REGENERATE_WITH_DATAPATH_LOAD = 2;
export const REGENERATE_WITH_DATAPATH_REWRITE = 3;
export type RegenerationLevel = 1 | 2 | 3;
