/**
 * The `-o` formats: objects as tables, JSON, YAML, names, or by a template.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/cmd/get/get_flags.go
 */
import { sortedMembers } from '../../../net/go_json.ts';
import type { ObjectView } from '../../cluster_view.ts';
import { type CommandResult, failed, kubectlTable, printed } from '../../table.ts';
import { type Refused, refused } from '../../tool.ts';
import { labelsCell } from '../columns/cell.ts';
import { qualifiedSingular, type ResourceType } from '../resource_types.ts';
import { customColumns } from './custom_columns.ts';
import { printJsonPath } from './jsonpath.ts';
import { yamlText } from './yaml_text.ts';

/** How objects are printed. */
export type Output =
  | { readonly kind: 'table'; readonly wide: boolean }
  | { readonly kind: 'name' | 'json' | 'yaml' }
  | { readonly kind: 'jsonpath' | 'custom-columns'; readonly template: string };

/** An object with its type. */
export interface TypedObject {
  readonly type: ResourceType;
  readonly object: ObjectView;
}

/** Options of tables. */
export interface TableOptions {
  readonly wide: boolean;
  readonly withNamespace: boolean;
  readonly withKind: boolean;
  readonly showLabels: boolean;
  readonly noHeaders: boolean;
}

/** Values to offer for `-o`. */
export const OUTPUT_CHOICES: readonly string[] = ['custom-columns=', 'json', 'jsonpath=', 'name', 'wide', 'yaml'];
const ALLOWED =
  'custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,wide,yaml';

/** Reads the value of `-o`; `null`: the flag was not given. */
export function parseOutput(value: string | null): Output | Refused {
  if (value === null || value === '') {
    return { kind: 'table', wide: false };
  }
  const equals = value.indexOf('=');
  const [format, template] = equals < 0 ? [value, ''] : [value.slice(0, equals), value.slice(equals + 1)];
  switch (format) {
    case 'wide':
      return { kind: 'table', wide: true };
    case 'json':
    case 'yaml':
    case 'name':
      return { kind: format };
    case 'jsonpath':
      return template === '' ? refused('error: template format specified but no template given') : { kind: 'jsonpath', template };
    case 'custom-columns':
      return { kind: 'custom-columns', template };
    case 'go-template':
    case 'go-template-file':
    case 'template':
    case 'templatefile':
    case 'jsonpath-file':
    case 'jsonpath-as-json':
    case 'custom-columns-file':
      return refused(`error: -o ${format} is not modelled; use jsonpath=…, custom-columns=…, json or yaml`);
    default:
      return refused(`error: unable to match a printer suitable for the output format "${value}", allowed formats are: ${ALLOWED}`);
  }
}

/** Objects in a format that is no table. `single`: one object was asked for by name, so it is printed without a list around it. */
export function printObjects(
  output: Exclude<Output, { readonly kind: 'table' }>,
  objects: readonly TypedObject[],
  single: boolean,
  noHeaders = false,
): CommandResult {
  const plain = objects.map(({ object }) => object);
  const whole = (): unknown =>
    single && plain.length === 1 ? plain[0] : { apiVersion: 'v1', items: plain, kind: 'List', metadata: { resourceVersion: '' } };
  switch (output.kind) {
    case 'name':
      return printed(objects.map(({ type, object }) => `${qualifiedSingular(type)}/${object.metadata.name}\n`).join(''));
    case 'json':
      return printed(`${JSON.stringify(sortedMembers(whole()), null, 4)}\n`);
    case 'yaml':
      return printed(yamlText(whole()));
    case 'jsonpath': {
      const result = printJsonPath(output.template, whole());
      return result.ok ? printed(result.text) : failed(result.error.replace(/\n$/, ''));
    }
    case 'custom-columns': {
      const result = customColumns(output.template, plain, noHeaders);
      return result.ok ? printed(result.text) : failed(result.error);
    }
  }
}

/** A table of objects of one type. */
export function printTable(type: ResourceType, objects: readonly ObjectView[], wallMillis: number, options: TableOptions): string {
  const columns = type.columns.filter((column) => column.wide !== true || options.wide);
  const everywhere = type.namespaced && options.withNamespace;
  const header = [...(everywhere ? ['NAMESPACE'] : []), ...columns.map(({ title }) => title), ...(options.showLabels ? ['LABELS'] : [])];
  const prefix = options.withKind ? `${qualifiedSingular(type)}/` : '';
  const rows = objects.map((object) => [
    ...(everywhere ? [object.metadata.namespace ?? ''] : []),
    ...columns.map(({ title, cell }) => `${title === 'NAME' ? prefix : ''}${cell(object, wallMillis)}`),
    ...(options.showLabels ? [labelsCell(object.metadata.labels)] : []),
  ]);
  return kubectlTable(options.noHeaders ? rows : [header, ...rows]);
}
