/**
 * Texts of ICMP types and codes, as the packet library of Cilium's tools prints them.
 * @see https://pkg.go.dev/github.com/google/gopacket/layers#ICMPv4TypeCode.String
 */

interface TypeText {
  readonly name: string;
  /** Code texts in order; `null`: the type has no codes. */
  readonly codes: readonly string[] | null;
}

const TYPES: Readonly<Record<number, TypeText>> = {
  0: { name: 'EchoReply', codes: null },
  3: {
    name: 'DestinationUnreachable',
    codes: [
      'Net',
      'Host',
      'Protocol',
      'Port',
      'FragmentationNeeded',
      'SourceRoutingFailed',
      'NetUnknown',
      'HostUnknown',
      'SourceIsolated',
      'NetAdminProhibited',
      'HostAdminProhibited',
      'NetTOS',
      'HostTOS',
      'CommAdminProhibited',
      'HostPrecedence',
      'PrecedenceCutoff',
    ],
  },
  4: { name: 'SourceQuench', codes: null },
  5: { name: 'Redirect', codes: ['Net', 'Host', 'TOS+Net', 'TOS+Host'] },
  8: { name: 'EchoRequest', codes: null },
  9: { name: 'RouterAdvertisement', codes: null },
  10: { name: 'RouterSolicitation', codes: null },
  11: { name: 'TimeExceeded', codes: ['TTLExceeded', 'FragmentReassemblyTimeExceeded'] },
  12: { name: 'ParameterProblem', codes: ['PointerIndicatesError', 'MissingOption', 'BadLength'] },
  13: { name: 'TimestampRequest', codes: null },
  14: { name: 'TimestampReply', codes: null },
  15: { name: 'InfoRequest', codes: null },
  16: { name: 'InfoReply', codes: null },
  17: { name: 'AddressMaskRequest', codes: null },
  18: { name: 'AddressMaskReply', codes: null },
};

/** `EchoRequest`, `DestinationUnreachable(Port)`, `200(1)`. */
export function icmpText(type: number, code: number): string {
  const known = TYPES[type];
  if (known === undefined) {
    return `${type}(${code})`;
  }
  if (known.codes === null && code === 0) {
    return known.name;
  }
  return `${known.name}(${known.codes?.[code] ?? `Code: ${code}`})`;
}
