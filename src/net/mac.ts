/** Ethernet addresses as 48-bit numbers. */

/** An Ethernet address. */
export type Mac = number;

/** The text of an address, upper case as `cilium bpf endpoint list` prints it. */
export function formatMac(mac: Mac): string {
  const hex = mac.toString(16).padStart(12, '0').toUpperCase();
  return (hex.match(/../g) as string[]).join(':');
}

/** The address of a text like 0a:1b:2c:3d:4e:5f, or `null`. */
export function parseMac(text: string): Mac | null {
  return /^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text) ? Number.parseInt(text.replaceAll(':', ''), 16) : null;
}
