/**
 * Field masks over messages in JSON form.
 * @see envoy:source/server/admin/config_dump_handler.cc#trimResourceMessage
 */

/** What the comma-separated paths keep of a value; in a list every element is masked. `@type` stays. */
export function applyFieldMask(value: unknown, mask: string): unknown {
  return keep(
    value,
    mask.split(',').map((path) => path.split('.')),
  );
}

function keep(value: unknown, paths: readonly (readonly string[])[]): unknown {
  if (paths.some((path) => path.length === 0)) {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((one) => keep(one, paths));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const kept: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const below = paths.filter(([first]) => first === name).map((path) => path.slice(1));
    if (below.length > 0) {
      kept[name] = keep(member, below);
    } else if (name === '@type') {
      kept[name] = member;
    }
  }
  return kept;
}
