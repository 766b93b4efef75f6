/** `import 'trenchrun/vitest'` in a test or a setup file: the matchers, and their types. */
import { expect } from 'vitest';
import { matchers, type PolicyMatchers } from './check/testing/matchers.ts';

declare module 'vitest' {
  interface Matchers<T> extends PolicyMatchers<T> {}
}

expect.extend(matchers);
