/**
 * What keys and values of labels and annotations may look like.
 * @see kubernetes:staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go
 */

const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** What is wrong with the key of a label or annotation, in the API server's words. @see kubernetes:staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go#IsQualifiedName */
export function qualifiedNameIssues(key: string): string[] {
  const parts = key.split('/');
  const issues: string[] = [];
  if (parts.length > 2) {
    return [`a qualified name ${NAME_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const name = parts.at(-1) ?? '';
  const prefix = parts.length === 2 ? (parts[0] ?? '') : null;
  if (prefix === '') {
    issues.push('prefix part must be non-empty');
  } else if (prefix !== null) {
    issues.push(...subdomainIssues(prefix).map((issue) => `prefix part ${issue}`));
  }
  if (name === '') {
    issues.push('name part must be non-empty');
  } else if (name.length > 63) {
    issues.push('name part must be no more than 63 characters');
  }
  if (!NAME.test(name)) {
    issues.push(`name part ${NAME_RULE}`);
  }
  return issues;
}

/** What is wrong with a label's value. @see kubernetes:staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go#IsValidLabelValue */
export function labelValueIssues(value: string): string[] {
  return [...(value.length > 63 ? ['must be no more than 63 characters'] : []), ...(value === '' || NAME.test(value) ? [] : [VALUE_RULE])];
}

/** What is wrong with the name of most objects. @see kubernetes:staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go#IsDNS1123Subdomain */
export function subdomainIssues(name: string): string[] {
  return [...(name.length > 253 ? ['must be no more than 253 characters'] : []), ...(SUBDOMAIN.test(name) ? [] : [SUBDOMAIN_RULE])];
}
