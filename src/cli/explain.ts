/** `trenchrun explain`: the verdict on a request and its whole derivation. */
import {
  type ExplainQuestion,
  type Explanation,
  explainManifests,
  explainScenario,
  explanationText,
  type Found,
  isScenarioText,
  issueText,
  parseQuestion,
  parseScenario,
} from '../index.ts';
import { painter } from './colour.ts';
import { readTextFile, yamlFiles } from './files.ts';
import { EXIT_BAD_INPUT, EXIT_FAILED, EXIT_OK, write, writeError } from './process.ts';

/** Options as the command line gives them. */
export interface ExplainFlags {
  readonly from: string;
  readonly to: string;
  readonly http?: string;
  readonly grpc?: string;
  readonly port?: string;
  readonly header: readonly string[];
  readonly data?: string;
  readonly after?: number;
  readonly failOn?: 'allow' | 'deny';
  readonly json?: boolean;
  readonly color: boolean;
}

/** Answers a question about a scenario, a directory of manifests, or manifest files. Exit code 0: answered; 2: bad input. */
export async function explain(paths: readonly string[], flags: ExplainFlags): Promise<number> {
  const question = questionOf(flags);
  const answer = question.ok ? answerOf(paths, question.value, flags.after ?? null) : question;
  if (!answer.ok) {
    writeError(`${answer.error}\n`);
    return EXIT_BAD_INPUT;
  }
  const paint = painter(flags.color && (process.env.NO_COLOR ?? '') === '');
  await write(flags.json === true ? `${JSON.stringify(answer.value, null, 2)}\n` : paint(explanationText(answer.value)));
  const unwanted = flags.failOn === 'allow' ? 'allowed' : 'denied';
  return flags.failOn !== undefined && answer.value.verdict === unwanted ? EXIT_FAILED : EXIT_OK;
}

function questionOf({ from, to, http, grpc, port, header, data }: ExplainFlags): Found<ExplainQuestion> {
  return prefixed(
    parseQuestion({
      from,
      to,
      headers: header,
      ...(http === undefined ? {} : { http }),
      ...(grpc === undefined ? {} : { grpc }),
      ...(port === undefined ? {} : { port }),
      ...(data === undefined ? {} : { body: data }),
    }),
  );
}

function answerOf(paths: readonly string[], question: ExplainQuestion, after: number | null): Found<Explanation> {
  const files: { readonly file: string; readonly text: string }[] = [];
  for (const file of paths.flatMap(yamlFiles)) {
    const read = readTextFile(file);
    if ('error' in read) {
      return { ok: false, error: `${file}: ${read.error}` };
    }
    files.push({ file, text: read.text });
  }
  const [first] = files;
  if (first === undefined) {
    return { ok: false, error: `error: there are no YAML files in ${paths.join(', ')}` };
  }
  if (files.length === 1 && isScenarioText(first.text)) {
    const parsed = parseScenario(first.text, { file: first.file, readFile: readTextFile });
    return parsed.ok
      ? prefixed(explainScenario(parsed.scenario, question, after))
      : { ok: false, error: parsed.issues.map(issueText).join('\n') };
  }
  if (after !== null) {
    return { ok: false, error: 'error: --after counts the steps of a scenario; these are manifests' };
  }
  const manifests = files.filter(({ text }) => !isScenarioText(text)).map(({ file, text }) => ({ file, text, indent: 0 }));
  const answer = explainManifests(manifests, question);
  return 'issues' in answer ? { ok: false, error: answer.issues.map(issueText).join('\n') } : prefixed(answer);
}

function prefixed<T>(found: Found<T>): Found<T> {
  return found.ok ? found : { ok: false, error: `error: ${found.error}` };
}
