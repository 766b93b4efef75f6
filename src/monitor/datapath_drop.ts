/**
 * Drop notifications as text.
 * @see cilium:pkg/monitor/datapath_drop.go
 */
import { dropReasonText } from '../maps/drop_reasons.ts';
import type { DropNotify } from '../maps/eventsmap.ts';
import { packetSummary } from '../net/packet.ts';
import { hexText, identityText } from './identity_text.ts';

/** The reason with its extended error, if there is one. @see cilium:pkg/monitor/api/drop.go#DropReasonExt */
export function dropReasonExt(record: DropNotify): string {
  const text = dropReasonText(record.reason);
  return record.extError === 0 ? text : `${text}, ${record.extError}`;
}

/** The one-line form. The doubled comma is upstream's. @see cilium:pkg/monitor/datapath_drop.go#DropNotify.DumpInfo */
export function dropInfo(record: DropNotify, numeric: boolean): string {
  return (
    `xx drop (${dropReasonExt(record)}) flow ${hexText(record.hash)} to endpoint ${record.dstId}, ifindex ${record.ifindex}, ` +
    `file ${record.file}:${record.line}, , ${identities(record, numeric)}: ${packetSummary(record.packet)}`
  );
}

/** The head of the verbose form. @see cilium:pkg/monitor/datapath_drop.go#DropNotify.DumpVerbose */
export function dropVerbose(record: DropNotify, prefix: string, numeric: boolean): string {
  const known = record.srcLabel !== 0 || record.dstLabel !== 0 ? `, ${identities(record, numeric)}` : '';
  const to = record.dstId === 0 ? '' : `, to endpoint ${record.dstId}`;
  return `${prefix} MARK ${hexText(record.hash)} FROM ${record.source} DROP: ${record.lenOrig} bytes, reason ${dropReasonExt(record)}${known}${to}`;
}

function identities(record: DropNotify, numeric: boolean): string {
  return `identity ${identityText(record.srcLabel, numeric)}->${identityText(record.dstLabel, numeric)}`;
}
