/** `import 'trenchrun/jest'` in a test or a setup file (`setupFilesAfterEnv`): the matchers, and their types for `expect` of @jest/globals and for the global one of @types/jest. */
import type {} from 'expect';
import { matchers, type PolicyMatchers } from './check/testing/matchers.ts';

declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T> extends PolicyMatchers<R> {}
}

declare global {
  // biome-ignore lint/style/noNamespace: it is how @types/jest is made.
  namespace jest {
    interface Matchers<R, T> extends PolicyMatchers<R> {}
  }
}

/** Jest's own, which is there without an import. */
declare const expect: { extend(added: typeof matchers): void } | undefined;

if (typeof expect === 'undefined') {
  throw new Error("trenchrun/jest is for tests that Jest runs; elsewhere: expect.extend(matchers), with matchers of 'trenchrun/testing'");
}
expect.extend(matchers);
