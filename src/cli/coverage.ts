/** The option `--coverage FORMAT[=FILE]`, which several commands have. */
import { writeFileSync } from 'node:fs';
import { COVERAGE_FORMATS, type Coverage, coverageReport, lcov, plainText } from '../index.ts';
import type { Painter } from './colour.ts';
import { write } from './process.ts';

/** Format and file of a coverage. */
export interface CoverageWanted {
  readonly format: (typeof COVERAGE_FORMATS)[number];
  /** `null`: standard output. */
  readonly file: string | null;
}

/** What the option asks for; `null` if it is absent. */
export function coverageWanted(option: string | true | undefined): CoverageWanted | { readonly error: string } | null {
  if (option === undefined) {
    return null;
  }
  const [word, ...rest] = (option === true ? 'text' : option).split('=');
  const format = COVERAGE_FORMATS.find((one) => one === word);
  if (format === undefined) {
    return {
      error: `error: there is no coverage format "${word}"; there are: ${COVERAGE_FORMATS.join(', ')}, each with =FILE to write a file`,
    };
  }
  const file = rest.join('=');
  return rest.length > 0 && file === ''
    ? { error: `error: --coverage ${format}= names no file` }
    : { format, file: rest.length === 0 ? null : file };
}

/** Writes a coverage to its file, or prints it where output is for it; an error in words when the file cannot be written. */
export async function writeCoverage(coverage: Coverage, wanted: CoverageWanted, paint: Painter, print: boolean): Promise<string | null> {
  const { format, file } = wanted;
  if (file === null) {
    if (print) {
      await write(format === 'text' ? `\n${paint(coverageReport(coverage))}` : textOf(coverage, format));
    }
    return null;
  }
  try {
    writeFileSync(file, textOf(coverage, format));
    return null;
  } catch (error) {
    return `error: ${file} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
  }
}

function textOf(coverage: Coverage, format: CoverageWanted['format']): string {
  return format === 'json'
    ? `${JSON.stringify(coverage, null, 2)}\n`
    : format === 'lcov'
      ? lcov(coverage)
      : plainText(coverageReport(coverage));
}
