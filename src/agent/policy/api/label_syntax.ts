/**
 * Syntax of label keys and values, with the API server's messages.
 * @see https://pkg.go.dev/k8s.io/apimachinery/pkg/util/validation
 */

const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const NAME_FORM = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** What is wrong with a label key; empty when nothing. @see https://pkg.go.dev/k8s.io/apimachinery/pkg/util/validation#IsQualifiedName */
export function qualifiedNameErrors(key: string): string[] {
  const parts = key.split('/');
  if (parts.length > 2) {
    return ["a qualified name must consist of a prefix and a name part, separated by '/'"];
  }
  const errors: string[] = [];
  const name = parts[parts.length - 1] as string;
  if (parts.length === 2) {
    const prefix = parts[0] as string;
    if (prefix === '') {
      errors.push('prefix part must be non-empty');
    } else if (prefix.length > 253) {
      errors.push('prefix part must be no more than 253 characters');
    } else if (!SUBDOMAIN.test(prefix)) {
      errors.push(
        "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
      );
    }
  }
  if (name === '') {
    errors.push('name part must be non-empty');
  } else if (name.length > 63) {
    errors.push('name part must be no more than 63 characters');
  }
  if (!NAME.test(name)) {
    errors.push(`name part ${NAME_FORM}`);
  }
  return errors;
}

/** What is wrong with a label value; empty when nothing. */
export function labelValueErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 63) {
    errors.push('must be no more than 63 characters');
  }
  if (!VALUE.test(value)) {
    errors.push(`a valid label must be an empty string or ${NAME_FORM.replace('must ', '')}`);
  }
  return errors;
}

/** Whether a text may be a label key. */
export function isQualifiedName(key: string): boolean {
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  return name.length <= 63 && NAME.test(name) && (slash < 0 || (slash > 0 && slash <= 253 && SUBDOMAIN.test(key.slice(0, slash))));
}

/** Whether a text may be a label value. */
export function isLabelValue(value: string): boolean {
  return value.length <= 63 && VALUE.test(value);
}
