/** `trenchrun lint`: findings about policies and manifests. */
import {
  atLeast,
  CATALOGUE,
  catalogueText,
  isScenarioText,
  issueText,
  LINT_FORMATS,
  type LintResult,
  type LintText,
  lintInOrder,
  lintManifests,
  lintOutput,
  lintReport,
  mergeLintResults,
  nearestWord,
  parseScenario,
  ruleText,
  SEVERITIES,
} from '../index.ts';
import { painter } from './colour.ts';
import { readTextFile, yamlFiles } from './files.ts';
import { EXIT_BAD_INPUT, EXIT_FAILED, EXIT_OK, write, writeError } from './process.ts';

/** Options as the command line gives them. */
export interface LintFlags {
  readonly severity: string;
  readonly format: string;
  readonly json?: boolean;
  readonly rule: readonly string[];
  readonly explain?: string | true;
  readonly color: boolean;
}

/** Texts that are looked at together: a scenario's, or all manifests of the arguments. */
interface Group {
  readonly texts: readonly LintText[];
  /** They are applied one after the other, later ones in place of earlier ones. */
  readonly inOrder: boolean;
}

/** Looks at files and directories. Exit code 1: there are findings of the severity or worse. */
export async function lint(paths: readonly string[], flags: LintFlags): Promise<number> {
  const paint = painter(flags.color && (process.env.NO_COLOR ?? '') === '');
  if (flags.explain !== undefined) {
    return await explainRule(flags.explain, paint);
  }
  const format = LINT_FORMATS.find((one) => one === (flags.json === true ? 'json' : flags.format));
  const severity = SEVERITIES.find((one) => one === flags.severity);
  if (format === undefined || severity === undefined) {
    const [word, known] = format === undefined ? [`format "${flags.format}"`, LINT_FORMATS] : [`severity "${flags.severity}"`, SEVERITIES];
    return bad(`error: there is no ${word}; there are: ${known.join(', ')}`);
  }
  const unknown = flags.rule.find((code) => !CATALOGUE.some((one) => one.code === code));
  if (unknown !== undefined) {
    return bad(noRule(unknown));
  }
  if (paths.length === 0) {
    return bad('error: give files or directories to look at, or --explain for the rules');
  }
  const read = readGroups(paths);
  if ('errors' in read) {
    return bad(read.errors.join('\n'));
  }
  const results: LintResult[] = [];
  for (const { texts, inOrder } of read.groups) {
    const outcome = (inOrder ? lintInOrder : lintManifests)(texts, flags.rule.length === 0 ? null : flags.rule);
    if (!outcome.ok) {
      return bad(outcome.issues.map(issueText).join('\n'));
    }
    results.push(outcome.result);
  }
  const result = mergeLintResults(results);
  await write(format === 'text' ? paint(lintReport(result, severity)) : lintOutput(result, format, severity));
  return atLeast(result.findings, severity).length > 0 ? EXIT_FAILED : EXIT_OK;
}

function bad(text: string): number {
  writeError(`${text}\n`);
  return EXIT_BAD_INPUT;
}

function noRule(code: string): string {
  const meant = nearestWord(
    code,
    CATALOGUE.map((one) => one.code),
  );
  return `error: there is no rule "${code}"${meant === null ? '; trenchrun lint --explain lists them' : ` (did you mean "${meant}"?)`}`;
}

async function explainRule(code: string | true, paint: ReturnType<typeof painter>): Promise<number> {
  const rule = CATALOGUE.find((one) => one.code === code);
  if (code !== true && rule === undefined) {
    return bad(noRule(code));
  }
  await write(paint(rule === undefined ? catalogueText() : ruleText(rule)));
  return EXIT_OK;
}

/** Scenarios stand for themselves; all other files belong together. */
function readGroups(paths: readonly string[]): { readonly groups: readonly Group[] } | { readonly errors: readonly string[] } {
  const groups: Group[] = [];
  const manifests: LintText[] = [];
  const errors: string[] = [];
  const files = [...new Set(paths.flatMap(yamlFiles))];
  for (const file of files) {
    const read = readTextFile(file);
    if ('error' in read) {
      errors.push(`${file}:1:1: ${read.error}`);
    } else if (!isScenarioText(read.text)) {
      manifests.push({ file, text: read.text, indent: 0 });
    } else {
      const parsed = parseScenario(read.text, { file, readFile: readTextFile });
      if (parsed.ok) {
        const texts = parsed.scenario.steps.flatMap(({ action }) =>
          action.kind === 'apply' ? action.manifests.map((one): LintText => ({ ...one, namespace: action.namespace })) : [],
        );
        groups.push({ texts, inOrder: true });
      } else {
        errors.push(...parsed.issues.map(issueText));
      }
    }
  }
  if (files.length === 0) {
    errors.push(`error: there are no YAML files in ${paths.join(', ')}`);
  }
  return errors.length > 0 ? { errors } : { groups: manifests.length === 0 ? groups : [{ texts: manifests, inOrder: false }, ...groups] };
}
