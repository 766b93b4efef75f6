/**
 * Secrets that a suite tells in words: certificates for the names the words speak of, signed by an authority that pods trust if the words say so.
 */
import { PUBLIC_AUTHORITY } from '../../src/cluster/options.ts';
import type { KubeObject } from '../../src/k8s/objects.ts';
import { certificateText } from '../../src/net/certificate.ts';

/** A secret as the suites write it. */
export interface SuiteSecret {
  readonly name: string;
  readonly namespace: string;
  /** What is in it, where it is given. */
  readonly data?: Readonly<Record<string, string>>;
  /** … or what it is, in words. */
  readonly kind?: string;
  readonly type?: string;
  readonly keys?: readonly string[];
}

/** The authority of a suite's own certificates. */
const TEST_AUTHORITY = 'test CA';

/** The object. Words that name nobody are about the names which the policies give. */
export function secretObject(secret: SuiteSecret, policies: readonly KubeObject[]): KubeObject {
  const { name, namespace } = secret;
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData: secret.data ?? contents(secret, policies) };
}

/** Authorities that pods have to trust for the secrets to work as told. */
export function trustedAuthorities(secrets: readonly SuiteSecret[]): string[] {
  return secrets.some((secret) => /\btrust/i.test(wordsOf(secret))) ? [TEST_AUTHORITY] : [];
}

function contents(secret: SuiteSecret, policies: readonly KubeObject[]): Record<string, string> {
  const words = wordsOf(secret);
  const keys = new Set(secret.keys ?? []);
  const files = [...words.matchAll(/\b(ca\.crt|tls\.crt|tls\.key)\b/g)].map(([file]) => file);
  const bundle = keys.has('ca.crt') || files.includes('ca.crt') || /\bCA bundle\b|\bbundle\b/i.test(words);
  const certificate = keys.has('tls.crt') || files.includes('tls.crt') || /certificate|^tls\b|common name/i.test(words);
  if (!bundle && !certificate) {
    throw new Error(`the suite does not say what secret ${secret.namespace}/${secret.name} holds`);
  }
  const told = [...words.matchAll(/(?:\*\.)?(?:[a-z0-9-]+\.)+[a-z]{2,}/gi)]
    .map(([host]) => host)
    .filter((host) => !/\.(crt|key|pem)$/.test(host));
  const names = told.length > 0 ? told : namesIn(policies);
  return {
    ...(bundle ? { 'ca.crt': certificateText({ names: [PUBLIC_AUTHORITY], issuer: PUBLIC_AUTHORITY }) } : {}),
    ...(certificate ? { 'tls.crt': certificateText({ names, issuer: TEST_AUTHORITY }), 'tls.key': 'key\n' } : {}),
  };
}

function wordsOf({ kind = '', type = '' }: SuiteSecret): string {
  return `${kind} ${type}`.trim();
}

/** Names in `toFQDNs`. */
function namesIn(policies: readonly KubeObject[]): string[] {
  return [...JSON.stringify(policies).matchAll(/"matchName":"([^"]+)"/g)].map(([, name]) => name as string);
}
