/** The cases' texts and messages are what the real kubectl prints for the same object. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { customColumns, relaxedPath } from '../../../src/shell/kubectl/output/custom_columns.ts';
import { printJsonPath } from '../../../src/shell/kubectl/output/jsonpath.ts';
import { yamlText } from '../../../src/shell/kubectl/output/yaml_text.ts';

interface Cases {
  readonly object: unknown;
  readonly cases: readonly { readonly template: string; readonly text?: string; readonly error?: string }[];
}

const { object, cases } = JSON.parse(readFileSync(new URL('./jsonpath_cases.json', import.meta.url), 'utf8')) as Cases;

describe('jsonpath', () => {
  test.each(cases)('$template', ({ template, text, error }) => {
    const result = printJsonPath(template, object);
    const message = result.ok ? undefined : result.error.replace(/ Printing more information[\s\S]*/, '').trimEnd();
    expect({ text: result.ok ? result.text : undefined, error: message }).toEqual({ text, error });
  });

  test('the text around a failing template is kept for debugging', () => {
    const result = printJsonPath('{.kind[0]}', { kind: 'Pod', n: [1, true, null] });
    expect(result).toEqual({
      ok: false,
      error:
        'error: error executing jsonpath "{.kind[0]}": Error executing template: string is not array or slice. Printing more information for debugging the template:\n\ttemplate was:\n\t\t{.kind[0]}\n\tobject given to jsonpath engine was:\n\t\tmap[string]interface {}{"kind":"Pod", "n":[]interface {}{1, true, interface {}(nil)}}\n\n',
    });
  });

  test('any text is a template or an error', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '.',
      '..',
      '[',
      ']',
      '*',
      '?(',
      ')',
      '@',
      '$',
      '"',
      "'",
      '\\',
      'range ',
      'end',
      'a',
      'b',
      '0',
      '-1',
      ':',
      ',',
      '==',
      '<',
      ' ',
      'metadata',
      'spec',
      'containers',
      '\n',
      'é',
    );
    const template = fc.oneof(
      fc.array(piece, { maxLength: 14 }).map((parts) => parts.join('')),
      fc.string({ maxLength: 30 }),
    );
    fc.assert(
      fc.property(template, (text) => {
        const result = printJsonPath(text, object);
        expect(typeof (result.ok ? result.text : result.error)).toBe('string');
      }),
      { numRuns: 2000 },
    );
  });

  test('a path of names finds what is there', () => {
    const key = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_-]{0,8}$/);
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 5 }), fc.oneof(key, fc.integer()), (path, value) => {
        const nested = path.reduceRight<unknown>((inner, name) => ({ [name]: inner, other: [] }), value);
        expect(printJsonPath(`{.${path.join('.')}}`, nested)).toEqual({ ok: true, text: path.at(-1) === 'other' ? '[]' : String(value) });
      }),
      { numRuns: 200 },
    );
  });
});

test('yaml', () => {
  const { object: value, yaml } = JSON.parse(readFileSync(new URL('./yaml_cases.json', import.meta.url), 'utf8')) as {
    readonly object: unknown;
    readonly yaml: string;
  };
  expect(yamlText(value)).toBe(yaml);
});

describe('custom columns', () => {
  test('columns, absent values, lists', () => {
    const spec = 'NAME:.metadata.name,NONE:metadata.none,IMAGES:{.spec.containers[*].image},PORTS:.spec.containers[0].ports';
    expect(customColumns(spec, [object], false)).toEqual({
      ok: true,
      text: 'NAME   NONE     IMAGES   PORTS\na      <none>   i,j      [map[containerPort:80] map[containerPort:81]]\n',
    });
  });
  test.each([
    ['', 'no custom columns given'],
    ['NAME', 'unexpected custom-columns spec: NAME, expected <header>:<json-path-expr>'],
    ['NAME:{a}b', 'unexpected path string'],
    ['NAME:.a[', 'unterminated array'],
  ])('%j is refused', (spec, message) => {
    const result = customColumns(spec, [object], false);
    expect(result.ok ? '' : result.error).toContain(message);
  });
  test.each([
    ['a.b', '{.a.b}'],
    ['.a.b', '{.a.b}'],
    ['{a.b}', '{.a.b}'],
    ['{.a.b}', '{.a.b}'],
    ['{a', null],
  ])('%s', (text, path) => expect(relaxedPath(text)).toBe(path));
});
