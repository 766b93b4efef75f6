/** The properties that check adds by itself: what each says, under which condition, and after what of the real system. Each has tests with its name that show it holding and failing. */

/** One of them. */
export interface BuiltinEntry {
  /** As results name it. */
  readonly name: string;
  readonly statement: string;
  readonly precondition: string;
  /** `cilium:path#symbol` */
  readonly source: string;
}

/** Denies. */
export const DENY_WINS: BuiltinEntry = {
  name: 'what a policy denies does not get through',
  statement: 'No request reaches its destination that a deny statement of the policies in force names, whatever else allows it.',
  precondition:
    'The deny names a protocol or all ports: without a protocol it names no packet in 1.13.3. Broken where an L7 rule names a denied peer.',
  source: 'cilium:pkg/policy/mapstate.go#MapState.denyPreferredInsertWithChanges',
};

/** Faults. */
export const WHATEVER_FAILS: BuiltinEntry = {
  name: 'whatever fails, no byte of a denied request reaches the server, and allowed requests are answered afterwards',
  statement:
    'A request that every set of policies denies which was in force since the cluster was last at rest reaches no server; what the policies allow is answered 30 s after the last fault has ended.',
  precondition:
    'Between a change and rest either policies may hold; a refused version, and a second failure of an endpoint, are not tried again by 1.13.3: where a case meets these the result says so.',
  source: 'cilium:pkg/endpoint/bpf.go#Endpoint.regenerateBPF',
};

/** All of them. */
export const BUILTINS: readonly BuiltinEntry[] = [DENY_WINS, WHATEVER_FAILS];
