/**
 * The switches between what 1.13.3 does and what it was meant to do; docs/quirks.md describes each.
 */
import { type PolicyQuirks, RELEASED_QUIRKS } from '../agent/policy/config.ts';
import type { DatapathQuirks } from '../bpf/env.ts';
import { nearest } from '../net/nearest_word.ts';

/** Switches by name. */
export type QuirkSwitches = Readonly<Record<string, boolean>>;

const DATAPATH: readonly (keyof DatapathQuirks)[] = ['policyIdProtoAny', 'loopbackBypass', 'replyPolicyAccounting'];

/**
 * An endpoint whose regeneration fails is tried again only until it first succeeds; after the next failure it waits for another reason to regenerate.
 * @see cilium:pkg/endpoint/policy.go#Endpoint.startRegenerationFailureHandler
 */
const RECOVERY_ONLY_ONCE = 'recoveryOnlyOnce';

/** All switches. */
export const QUIRK_NAMES: readonly string[] = [...Object.keys(RELEASED_QUIRKS), RECOVERY_ONLY_ONCE, ...DATAPATH];

/** Names nobody knows, with what was probably meant. */
export function quirkIssues(switches: QuirkSwitches): readonly { readonly quirk: string; readonly message: string }[] {
  return Object.keys(switches)
    .filter((quirk) => !QUIRK_NAMES.includes(quirk))
    .map((quirk) => {
      const meant = nearest(quirk, QUIRK_NAMES);
      return {
        quirk,
        message: `unknown quirk ${quirk}${meant === null ? `; there are ${QUIRK_NAMES.join(', ')}` : `; did you mean ${meant}?`}`,
      };
    });
}

/** Those of its control loops. */
export function agentQuirks(switches: QuirkSwitches): { readonly recoveryOnlyOnce: boolean } {
  return { recoveryOnlyOnce: switches[RECOVERY_ONLY_ONCE] ?? true };
}

/** The policy engine's switches that are given. */
export function policyQuirks(switches: QuirkSwitches): Partial<PolicyQuirks> {
  return chosen(switches, Object.keys(RELEASED_QUIRKS));
}

/** The datapath's switches that are given. */
export function datapathQuirks(switches: QuirkSwitches): Partial<DatapathQuirks> {
  return chosen(switches, DATAPATH);
}

function chosen(switches: QuirkSwitches, names: readonly string[]): Readonly<Record<string, boolean>> {
  return Object.fromEntries(Object.entries(switches).filter(([name]) => names.includes(name)));
}
