/**
 * The parts of the conformance suite that exist.
 */
import type { ConformanceModule } from './module.ts';
import { policyModule } from './policy.ts';

export const MODULES: readonly ConformanceModule[] = [policyModule];
