/**
 * The steps of a regeneration, in order: the places where an agent can die.
 * @see cilium:pkg/endpoint/bpf.go#Endpoint.regenerateBPF
 */

/** After the first nothing has happened yet; after each other it has. */
export const REGENERATION_STEPS = [
  'regenerate',
  'regeneratePolicy',
  'addNewRedirects',
  'updateNetworkPolicy',
  /** One key is written, the others are not. */
  'addPolicyKey',
  /** All keys are written, and of those that go one is deleted. */
  'deletePolicyKey',
  'syncPolicyMap',
  'removeOldRedirects',
  'realizeBPFState',
  /** The proxy has been told, and nobody waits for its answer any more. */
  'waitForProxyCompletions',
  /** The proxy has accepted everything; TPROXY rules are there. */
  'finalizeProxyState',
  'updateRealizedState',
] as const;

/** A step. */
export type RegenerationStep = (typeof REGENERATION_STEPS)[number];

/** Told of each step; answers whether the agent has died in it. Nothing may be done any more then. */
export type StepWatcher = (step: RegenerationStep) => boolean;
