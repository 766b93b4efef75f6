/** Texts inside the formats that machines read: XML, workflow commands, SARIF. */
import type { SourcePosition } from '../issue.ts';

/** The result format of static analysis tools. @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
export const SARIF_HEAD = { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0' } as const;

/** Text for XML, in elements and attributes. */
export function xmlText(text: string): string {
  const escapes: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    '\t': '&#9;',
    '\n': '&#10;',
    '\r': '&#13;',
  };
  return text.replace(NOT_IN_XML, '').replace(/[&<>"\t\n\r]/g, (sign) => escapes[sign] ?? sign);
}

/** Characters XML has no way to write; they are left out. @see https://www.w3.org/TR/xml/#charsets */
const NOT_IN_XML =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** The message of a workflow command. @see https://docs.github.com/en/actions/using-workflows/workflow-commands-for-github-actions */
export function commandText(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** A property of a workflow command. */
export function commandProperty(text: string): string {
  return commandText(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** The place of a SARIF result. */
export function sarifLocation({ file, line, column }: SourcePosition): object {
  const uri = file.split('/').map(encodeURIComponent).join('/');
  return { physicalLocation: { artifactLocation: { uri }, region: { startLine: line, startColumn: column } } };
}
