/** fast-check with a fixed seed, enough cases, no shrinking, and a count of the cases tried. */
import fc, { type IAsyncProperty, type IProperty, type Parameters } from 'fast-check';

/** What was tried, and how much may be. */
export const counter = { cases: 0, limit: 10_000 };

function check<T>(property: IProperty<T>, parameters: Parameters<T> = {}) {
  const { seed = 1, ...rest } = parameters;
  const numRuns = Math.max(0, counter.limit - counter.cases);
  const result = fc.check(property, { ...rest, seed, numRuns, endOnFailure: true, interruptAfterTimeLimit: 20_000 });
  counter.cases += result.numRuns;
  return result;
}

function assert<T>(property: IProperty<T> | IAsyncProperty<T>, parameters: Parameters<T> = {}): void {
  const result = check(property as IProperty<T>, parameters);
  if (result.failed) {
    throw new Error(String(result.errorInstance ?? 'the property is false'));
  }
}

// biome-ignore lint/style/noDefaultExport: fast-check has one
export default { ...fc, check, assert };
