/**
 * What resolving rules needs besides the rules.
 * @see cilium:pkg/policy/repository.go#policyContext
 */
import type { Secret, TlsContextRef } from './api/rule.ts';
import type { PolicyConfig } from './config.ts';
import type { SelectorCache } from './selectorcache.ts';

/** Reads secrets. @see cilium:pkg/policy/repository.go#CertificateManager */
export interface CertificateManager {
  /** The three values of a TLS secret, empty where the secret has none; `namespace` is that of the subject. */
  tlsContext(
    context: TlsContextRef,
    namespace: string,
  ): { readonly ca: string; readonly cert: string; readonly key: string } | { readonly error: string };
  /** The only value of a secret. */
  secretString(secret: Secret, namespace: string): { readonly value: string } | { readonly error: string };
}

/** What resolving rules needs. @see cilium:pkg/policy/repository.go#policyContext */
export interface PolicyContext {
  readonly cache: SelectorCache;
  readonly config: PolicyConfig;
  readonly certificates: CertificateManager;
  /** Namespace of the subject. */
  readonly namespace: string;
}

/** Why an identity's policy cannot be computed; `null` = it can. */
export type ResolveError = string | null;
