/** How the tools print numbers: identities by their reserved names, hashes and marks as Go's `%#x`. */
import { reservedIdentityName } from '../maps/identity.ts';

/** `host`, `world`, … or the number. @see cilium:pkg/identity/numericidentity.go#NumericIdentity.String */
export function identityText(identity: number, numeric = false): string {
  return (numeric ? null : reservedIdentityName(identity)) ?? String(identity);
}

/** `0x1a2b` */
export function hexText(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
