import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseScenario, plainText, report, runScenario } from '../../src/index.ts';
import { TOP } from '../house/support/source.ts';

const FOLDER = join(TOP, 'scenarios');

/** Scenario files: everything below scenarios/ that is not a manifest. */
function scenarioFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return entry.name === 'manifests' ? [] : scenarioFiles(path);
    }
    return entry.name.endsWith('.yaml') ? [path] : [];
  });
}

function load(file: string, edit: (text: string) => string = (text) => text) {
  const readFile = (path: string): { readonly text: string } | { readonly error: string } => {
    try {
      return { text: readFileSync(join(TOP, path), 'utf8') };
    } catch {
      return { error: `no file ${path}` };
    }
  };
  const name = relative(TOP, file);
  const parsed = parseScenario(edit(readFileSync(file, 'utf8')), { file: name, readFile });
  if (!parsed.ok) {
    throw new Error(parsed.issues.map((issue) => `${issue.position.line}: ${issue.message}`).join('\n'));
  }
  return parsed.scenario;
}

describe('scenario files', () => {
  const files = scenarioFiles(FOLDER);

  it('are there', () => {
    expect(files.map((file) => relative(FOLDER, file))).toEqual(
      expect.arrayContaining([
        'star-wars/article.yaml',
        'star-wars/guide-no-policy.yaml',
        'star-wars/guide-l3-l4.yaml',
        'star-wars/guide-l7.yaml',
        'star-wars/server-down.yaml',
        'star-wars/listener-not-up.yaml',
        'star-wars/keep-alive-tightened.yaml',
      ]),
    );
  });

  for (const file of files) {
    it(`${relative(TOP, file)} holds, twice the same to the byte`, () => {
      const scenario = load(file);
      const first = runScenario(scenario);
      expect(plainText(report(first, 0))).toContain('expectations held');
      expect(first.passed).toBe(true);
      expect(JSON.stringify(runScenario(scenario))).toBe(JSON.stringify(first));
    });
  }

  it('another seed changes what is not pinned, and nothing else', () => {
    const scenario = load(join(FOLDER, 'star-wars', 'article.yaml'));
    const one = runScenario(scenario, { seed: 7 });
    const other = runScenario(scenario, { seed: 8 });
    expect(one.passed && other.passed).toBe(true);
    expect(JSON.stringify(one.journey)).not.toBe(JSON.stringify(other.journey));
  });
});

describe('the article follows its inputs', () => {
  const article = join(FOLDER, 'star-wars', 'article.yaml');
  const ctLines = (edit: (text: string) => string): string => {
    const result = runScenario(load(article, edit), { record: false });
    const detail = result.steps.find((step) => step.detail.kind === 'command' && step.detail.line.includes('ct list'))?.detail;
    return detail?.kind === 'command' ? detail.stdout : '';
  };
  const policyCounters = (edit: (text: string) => string): string => {
    const result = runScenario(load(article, edit), { record: false });
    const detail = result.steps.find((step) => step.detail.kind === 'command' && step.detail.line.endsWith('863 -n'))?.detail;
    return detail?.kind === 'command' ? detail.stdout : '';
  };

  const EXPECTED = join(TOP, '..', 'shared', 'seed', 'expected', 'cilium-bpf-ct-list-global.txt');
  it.skipIf(!existsSync(EXPECTED))('prints the three lines byte for byte, each with a blank at its end (skipped without ../shared)', () => {
    const expected = readFileSync(EXPECTED, 'utf8').trimEnd().split('\n');
    expect(expected).toHaveLength(3);
    const lines = ctLines((text) => text).split('\n');
    for (const line of expected) {
      expect(lines).toContain(`${line.trimEnd()} `);
    }
  });

  it('one character more in the user agent is one byte more on each leg', () => {
    const lines = ctLines((text) => text.replace('curlVersion: 7.58.0', 'curlVersion: 7.58.10'));
    expect(lines).toContain('TxPackets=6 TxBytes=523');
    expect(lines).toContain('RxPackets=6 RxBytes=660');
  });

  it('the clock moves expiries and reports', () => {
    const lines = ctLines((text) => text.replaceAll('58764s', '58770s').replace('58764.5s', '58770.5s'));
    expect(lines).toContain('10.0.0.123:48954 -> 10.0.0.111:80 expires=58780');
    expect(lines).toContain('10.0.0.67:33988 -> 10.0.0.111:80 expires=58782');
    expect(lines).toContain('expires=80370');
  });

  it('a longer path is counted on both legs, and denied without a byte upstream', () => {
    const lines = ctLines((text) =>
      text.replace(
        'method: POST, url: deathstar.default.svc.cluster.local/v1/request-landing}\n    expect:\n      status: 200',
        'method: POST, url: deathstar.default.svc.cluster.local/v1/request-landing2}\n    expect:\n      status: 200',
      ),
    );
    expect(lines).toContain('TxPackets=6 TxBytes=523');
    expect(lines).toMatch(/TCP IN 10\.0\.0\.67:33988 -> 10\.0\.0\.111:80 expires=\d+ RxPackets=4 RxBytes=272 /);
  });

  it('two requests double the counters of the policy map', () => {
    const again = '    request: {from: tiefighter, method: POST, url: deathstar.default.svc.cluster.local/v1/request-landing}\n';
    const counters = policyCounters((text) =>
      text
        .replace('  - name: The idle upstream connection ends\n    advance: 5s', `  - name: again\n${again}  - advance: 5s`)
        .replace('tcpPorts: [48954, 48960]', 'tcpPorts: [48954, 48956, 48960]'),
    );
    // The second request finds the upstream connection of the first one idle, so its leg adds only data.
    expect(counters).toMatch(/29439 +80\/TCP +19313 +20\d\d +20/);
  });
});
