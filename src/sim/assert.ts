/**
 * Broken invariants. An error thrown here means that trenchrun itself is wrong; nothing inside the engine catches it.
 * The fate of traffic and bad user input are values, never one of these.
 */

/** Thrown when the engine finds its own state impossible. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Asserts that a condition the code relies on holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) {
    throw new InvariantError(message);
  }
}

/** Ends an exhaustive `switch`: the type checker proves that no case is left. */
export function assertNever(value: never, what = 'value'): never {
  throw new InvariantError(`unexpected ${what}: ${String(value)}`);
}

/** The value, which the caller knows to be present. */
export function assertPresent<T>(value: T | null | undefined, what: string): T {
  assert(value !== null && value !== undefined, `${what} is missing`);
  return value;
}
