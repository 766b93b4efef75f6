/** JSON as Go's encoding/json writes it. */

/** A map's compact JSON, its members sorted. @see https://pkg.go.dev/encoding/json#Marshal */
export function goJson(value: unknown): string {
  return goStructJson(sortedMembers(value));
}

/** JSON of structures, whose members come in their own order; `<`, `>` and `&` escaped. @see https://pkg.go.dev/encoding/json#HTMLEscape */
export function goStructJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The value with the members of all maps in the order of their names; absent ones are left out. */
export function sortedMembers(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sortedMembers);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sortedMembers(one)]),
  );
}
