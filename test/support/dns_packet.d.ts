/** The part of dns-packet the tests use. */
declare module 'dns-packet' {
  interface Packet {
    type?: 'query' | 'response';
    id?: number;
    flags?: number;
    questions?: { name: string; type: string }[];
    answers?: { name: string; type: string; ttl: number; data: unknown }[];
    authorities?: { name: string; type: string; ttl: number; data: unknown }[];
  }
  export function encode(packet: Packet): Uint8Array;
  export function decode(bytes: Uint8Array): Packet & { rcode?: string };
  export const RECURSION_DESIRED: number;
}
