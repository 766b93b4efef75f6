/** Hardware addresses of the devices the agent makes. */
import type { Mac } from '../../net/mac.ts';
import type { Rng } from '../../sim/rng.ts';

/** A random one, locally administered. @see cilium:pkg/mac/mac.go#GenerateRandMAC */
export function randomMac(rng: Rng): Mac {
  return ((rng.below(256) & 0xfc) | 0x02) * 2 ** 40 + rng.below(256) * 2 ** 32 + rng.uint32();
}
