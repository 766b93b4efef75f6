/** Tells results: the text property by property, as soon as they are known and in the order of the file; everything else at the end. */
import {
  type CHECK_FORMATS,
  type CheckPlan,
  type CheckResult,
  checkHead,
  checkSummary,
  github,
  junit,
  type PropertyResult,
  passes,
  propertyLines,
  sarif,
} from '../testing.ts';
import { OutFiles } from './check_out.ts';
import type { Painter } from './colour.ts';
import { write } from './process.ts';
import type { Progress } from './progress.ts';

/** One of the formats. */
export type CheckFormat = (typeof CHECK_FORMATS)[number];

/** How to tell. */
export interface TellerOptions {
  readonly format: CheckFormat;
  /** Where counterexamples are written. */
  readonly out: string | undefined;
  readonly paint: Painter;
  /** What is searched; absent: only {@link Teller.end} tells. */
  readonly plans?: readonly CheckPlan[];
  readonly progress?: Progress;
}

/** Tells. */
export interface Teller {
  /** Nothing more can be found out about a property. */
  settled(file: number, property: number, result: PropertyResult): void;
  /** All that is not told yet; an error text if a counterexample cannot be written. */
  end(results: readonly CheckResult[]): Promise<string | null>;
}

/** A teller. */
export function newTeller({ format, out, paint, plans = [], progress }: TellerOptions): Teller {
  const files = out === undefined ? null : new OutFiles(out);
  let error: string | null = null;
  const saved = (checked: string, number: number, { counterexample }: PropertyResult): string | null => {
    const written = counterexample === null ? undefined : files?.write(checked, number, counterexample.scenario);
    if (written !== undefined && 'error' in written) {
      error ??= written.error;
      return null;
    }
    return written?.file ?? null;
  };
  const settledOnes = new Map<string, PropertyResult>();
  // Where the text has come to: the file, and its next property; -1 = not begun.
  let at = 0;
  let next = -1;
  const print = (lines: Parameters<Painter>[0]): Promise<void> => {
    progress?.hide();
    return write(paint(lines));
  };
  const tellSettled = (): void => {
    for (let plan = plans[at]; format === 'text' && plan !== undefined; plan = plans[at]) {
      const results = plan.properties.flatMap(({ wanted }, index) => (wanted ? [settledOnes.get(`${at}:${index}`) ?? null] : []));
      const result = results[Math.max(0, next)];
      if (result === null) {
        return;
      }
      const lines = next < 0 ? checkHead(plan) : [];
      if (result === undefined) {
        void print([
          ...lines,
          ...checkSummary(
            whole(
              plan,
              results.filter((one) => one !== null),
            ),
          ),
        ]);
        at += 1;
        next = -1;
      } else {
        next = Math.max(0, next) + 1;
        void print([...lines, ...propertyLines(result, saved(plan.file, next, result))]);
      }
    }
  };
  return {
    settled: (file, property, result) => {
      settledOnes.set(`${file}:${property}`, result);
      tellSettled();
    },
    end: async (results) => {
      const machine = {
        json: () => `${JSON.stringify(results, null, 2)}\n`,
        junit: () => junit(results),
        sarif: () => sarif(results),
        github: () => github(results),
      };
      for (const [file, result] of results.entries()) {
        if (format === 'text' && file < at) {
          continue;
        }
        const told = file === at ? next : -1;
        const rest = result.properties.slice(Math.max(0, told));
        const lines = rest.flatMap((one, i) => propertyLines(one, saved(result.file, Math.max(0, told) + i + 1, one)));
        if (format === 'text') {
          await print([...(told < 0 ? checkHead(result) : []), ...lines, ...checkSummary(result)]);
        }
      }
      if (format !== 'text') {
        await write(machine[format]());
      }
      return error;
    },
  };
}

/** The result of a file of which everything is known. */
function whole({ file, refused, options }: CheckPlan, properties: readonly PropertyResult[]): CheckResult {
  return { file, seed: options.seed, properties, refused, passed: passes(properties, refused) };
}
