import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { modeline } from '../../.config/schema.ts';
import { parseScenario, scenarioJsonSchema } from '../../src/index.ts';
import { TOP } from '../house/support/source.ts';

const FOLDER = join(TOP, 'scenarios');
const PUBLISHED = join(FOLDER, 'scenario.schema.json');

function scenarioFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return entry.name === 'manifests' ? [] : scenarioFiles(path);
    }
    return /\.ya?ml$/.test(entry.name) ? [path] : [];
  });
}

const validator = (): ValidateFunction =>
  new Ajv2020({ strict: true, strictTypes: false, strictTuples: false, allErrors: true }).compile(scenarioJsonSchema());

/** Scenarios that are wrong in one place, and where. */
const BROKEN: readonly (readonly [string, string])[] = [
  ['steps: [{advance: 1s}]', 'a name is missing'],
  ['name: x', 'steps are missing'],
  ['name: x\nsteps: []', 'no step'],
  ['name: 3\nsteps: [{advance: 1s}]', 'a name that is a number'],
  ['nmae: x\nname: x\nsteps: [{advance: 1s}]', 'an unknown key'],
  ['name: x\nsteps: {advance: 1s}', 'steps that are no list'],
  ['name: x\nsteps: [{advnace: 1s}]', 'an unknown step'],
  ['name: x\nsteps: [{advance: soon}]', 'no duration'],
  ['name: x\nsteps: [{advance: {unitl: 5s}}]', 'an unknown key in a step'],
  ['name: x\nsteps: [{proxy: stopp}]', 'a value outside of its set'],
  ['name: x\nsteps: [{hold: lds}]', 'a value outside of its set'],
  ['name: x\nsteps: [{request: {from: a}}]', 'a request without URL'],
  ['name: x\nsteps: [{request: {from: a, url: b, body: 5}}]', 'a body that is a number'],
  ['name: x\nsteps: [{request: {from: a, url: b}, expect: {stauts: 200}}]', 'an unknown expectation'],
  ['name: x\nsteps: [{request: {from: a, url: b}, expect: {status: ok}}]', 'a status that is no number'],
  ['name: x\nsteps: [{connection: {open: c}}]', 'a connection without ends'],
  ['name: x\nsteps: [{command: [kubectl, get]}]', 'a command that is a list'],
  ['name: x\nsteps: [{exec: {pod: a}}]', 'a program is missing'],
  ['name: x\ncluster: {noodes: []}\nsteps: [{advance: 1s}]', 'an unknown key of the cluster'],
  ['name: x\ncluster: {nodes: []}\nsteps: [{advance: 1s}]', 'no node'],
  ['name: x\ncluster: {nodes: [{name: a, ip: 10.0.0.999, podCIDR: 10.0.0.0/24}]}\nsteps: [{advance: 1s}]', 'no address'],
  ['name: x\ncluster: {pins: {pods: {default/a: {identity: 5}}}}\nsteps: [{advance: 1s}]', 'an identity that is reserved'],
  ['name: x\ncluster: {seed: -1}\nsteps: [{advance: 1s}]', 'a negative seed'],
  ['name: x\nshell: {pods: {}}\nsteps: [{advance: 1s}]', 'an unknown key of the shell'],
];

describe('the JSON Schema of scenario files', () => {
  const validate = validator();
  const files = scenarioFiles(FOLDER);

  it('is published beside the scenarios (npm run schema writes it)', () => {
    expect(JSON.parse(readFileSync(PUBLISHED, 'utf8'))).toEqual(JSON.parse(JSON.stringify(scenarioJsonSchema())));
  });

  it('is valid against its own meta schema', () => {
    const ajv = new Ajv2020();
    expect(ajv.validateSchema(scenarioJsonSchema()), ajv.errorsText()).toBe(true);
  });

  it('sees scenarios', () => {
    expect(files.length).toBeGreaterThan(6);
  });

  for (const file of files) {
    it(`takes ${relative(TOP, file)}, whose modeline names it`, () => {
      const text = readFileSync(file, 'utf8');
      expect(text.split('\n')[0], 'npm run schema adds it').toBe(modeline(file));
      expect(validate(parse(text)), JSON.stringify(validate.errors?.slice(0, 3))).toBe(true);
    });
  }

  it('refuses what the reader of scenarios refuses', () => {
    expect(BROKEN.length).toBeGreaterThanOrEqual(20);
    for (const [text, what] of BROKEN) {
      expect(validate(parse(text)), `${what}: ${text}`).toBe(false);
      expect(parseScenario(text, { file: 's.yaml', readFile: () => ({ error: 'none' }) }).ok, `${what}: ${text}`).toBe(false);
    }
  });
});
