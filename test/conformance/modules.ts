/**
 * The parts of the conformance suite that exist.
 */
import type { ConformanceModule } from './module.ts';
import { oracleModule } from './oracle.ts';
import { policyModule } from './policy.ts';
import { proxyModule } from './proxy.ts';
import { suiteModule } from './suite.ts';

export const MODULES: readonly ConformanceModule[] = [policyModule, oracleModule, proxyModule, suiteModule];
