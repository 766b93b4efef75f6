/**
 * Reads untyped objects (parsed JSON or YAML) the way the agent's decoder does: unknown members are ignored, `null` is as good as absent, a value
 * of the wrong type is an issue and reads as its default.
 * @see https://pkg.go.dev/encoding/json#Unmarshal
 */
import type { Path, PolicyIssue } from './rule.ts';

/** An object of unknown content. */
export type RawObject = Readonly<Record<string, unknown>>;

/** Collects issues while reading. */
export class Reader {
  readonly issues: PolicyIssue[] = [];

  /** An object; anything else but `null` is an issue. */
  object(value: unknown, path: Path): RawObject | null {
    if (value === undefined || value === null) {
      return null;
    }
    if (typeof value !== 'object' || Array.isArray(value)) {
      this.mismatch(value, path, 'an object');
      return null;
    }
    return value as RawObject;
  }

  /** The elements of a list member, each with its path; `null` when absent. */
  list<T>(parent: RawObject, key: string, path: Path, read: (value: unknown, path: Path) => T): T[] | null {
    const value = parent[key];
    if (value === undefined || value === null) {
      return null;
    }
    if (!Array.isArray(value)) {
      this.mismatch(value, [...path, key], 'a list');
      return null;
    }
    return value.map((element: unknown, index) => read(element, [...path, key, index]));
  }

  /** A list of strings. */
  strings(parent: RawObject, key: string, path: Path): string[] {
    return this.list(parent, key, path, (value, at) => this.text(value, at)) ?? [];
  }

  /** A string member; '' when absent. */
  string(parent: RawObject, key: string, path: Path): string {
    return this.text(parent[key], [...path, key]);
  }

  /** A whole number between bounds; 0 when absent. */
  integer(parent: RawObject, key: string, path: Path, max: number): number {
    const value = parent[key];
    if (value === undefined || value === null) {
      return 0;
    }
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) {
      this.mismatch(value, [...path, key], `a number between 0 and ${max}`);
      return 0;
    }
    return value;
  }

  /** The members of a map of strings. */
  stringMap(value: unknown, path: Path): [string, string][] {
    const map = this.object(value, path);
    return map === null ? [] : Object.entries(map).map(([key, text]) => [key, this.text(text, [...path, key])]);
  }

  private text(value: unknown, path: Path): string {
    if (value === undefined || value === null) {
      return '';
    }
    if (typeof value !== 'string') {
      this.mismatch(value, path, 'a string');
      return '';
    }
    return value;
  }

  private mismatch(value: unknown, path: Path, wanted: string): void {
    const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    // What a boolean was written as (y, on, yes) is no longer known here.
    const quoted = wanted !== 'a string' ? null : typeof value === 'number' ? `: "${value}"` : typeof value === 'boolean' ? '' : null;
    const hint = quoted === null ? {} : { hint: `write it in quotes${quoted}` };
    this.issues.push({ code: 'decode', path, message: `cannot unmarshal ${found} into ${path.join('.')}: it must be ${wanted}`, ...hint });
  }
}
