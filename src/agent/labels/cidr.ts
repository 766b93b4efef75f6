/**
 * Labels that stand for prefixes: an identity of a prefix carries one `cidr:` label for every prefix that covers it.
 * @see cilium:pkg/labels/cidr/cidr.go
 */
import { formatIp, hostPrefix, type IpPrefix, maskPrefix, parseIp, parsePrefix } from '../../net/prefix.ts';
import { LABEL_SOURCE_CIDR, LABEL_SOURCE_RESERVED, type Label, type LabelArray, sortLabels } from './labels.ts';

/** The `cidr:` label of a prefix or a bare address, or `null` if the text is neither. @see cilium:pkg/labels/cidr/cidr.go#IPStringToLabel */
export function ipStringToLabel(text: string): Label | null {
  const address = text.includes('/') ? null : parseIp(text);
  const prefix = text.includes('/') ? parsePrefix(text) : address === null ? null : hostPrefix(address);
  return prefix === null ? null : prefixLabel(maskPrefix(prefix));
}

/**
 * The labels of a prefix's identity, sorted by key: every covering prefix down to /0 and `reserved:world`; for /0 only the latter.
 * @see cilium:pkg/labels/cidr/cidr.go#GetCIDRLabels
 */
export function cidrLabels(prefix: IpPrefix): LabelArray {
  const labels: Label[] = [];
  if (prefix.length > 0) {
    for (let length = 0; length <= prefix.length; length++) {
      labels.push(prefixLabel(maskPrefix({ family: prefix.family, bits: prefix.bits, length })));
    }
  }
  labels.push({ source: LABEL_SOURCE_RESERVED, key: 'world', value: '' });
  return sortLabels(labels);
}

/** @see cilium:pkg/labels/cidr/cidr.go#maskedIPToLabelString */
function prefixLabel(prefix: IpPrefix): Label {
  let text = formatIp(prefix).replaceAll(':', '-');
  if (text.startsWith('-')) {
    text = `0${text}`;
  }
  if (text.endsWith('-')) {
    text = `${text}0`;
  }
  return { source: LABEL_SOURCE_CIDR, key: `${text}/${prefix.length}`, value: '' };
}
