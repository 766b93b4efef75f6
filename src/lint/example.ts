/** Policies of the rules' examples, without the lines they all share. */

/** A CiliumNetworkPolicy named `example` with members of its spec, which begin at the first column. */
export function policyExample(spec: string): string {
  const lines = spec.trim().split('\n');
  return [
    'apiVersion: cilium.io/v2',
    'kind: CiliumNetworkPolicy',
    'metadata:',
    '  name: example',
    'spec:',
    ...lines.map((line) => (line === '' ? '' : `  ${line}`)),
    '',
  ].join('\n');
}

/** The same for the pods of class deathstar. */
export function deathstarExample(sections: string): string {
  return policyExample(`endpointSelector:\n  matchLabels: {class: deathstar}\n${sections.trim()}`);
}
