/**
 * Generated names: pod suffixes, template hashes, container and device names, MAC addresses.
 */
import type { Mac } from '../net/mac.ts';
import type { Rng } from '../sim/rng.ts';

/** Characters of generated suffixes: no vowels, no look-alikes. @see kubernetes:staging/src/k8s.io/apimachinery/pkg/util/rand/rand.go#alphanums */
const ALPHANUMS = 'bcdfghjklmnpqrstvwxz2456789';

/** A random suffix as the API server's name generator makes them. */
export function randomSuffix(rng: Rng, length = 5): string {
  let text = '';
  for (let i = 0; i < length; i++) {
    text += ALPHANUMS.charAt(rng.below(ALPHANUMS.length));
  }
  return text;
}

/**
 * The pod-template-hash of a Deployment's template.
 * @see kubernetes:pkg/controller/controller_utils.go#ComputeHash
 * @remarks Simplified: FNV-1a over the template's JSON instead of over Go's dump of the struct, so the letters differ from a real cluster's; pin pod names to get those.
 */
export function podTemplateHash(template: unknown): string {
  const text = JSON.stringify(template);
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return [...String(hash)].map((digit) => ALPHANUMS.charAt(Number(digit))).join('');
}

/** A locally administered unicast MAC address. @see cilium:pkg/mac/mac.go#GenerateRandMAC */
export function randomMac(rng: Rng): Mac {
  const high = ((rng.below(256) & 0xfc) | 0x02) * 2 ** 40;
  return high + rng.below(256) * 2 ** 32 + rng.uint32();
}
