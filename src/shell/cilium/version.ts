/** `cilium version`. @see cilium:cilium/cmd/version.go */
import { printed } from '../table.ts';
import type { CiliumCommand } from './command.ts';

/** The command. */
export const versionCommand: CiliumCommand = {
  words: 'version',
  summary: 'print version information',
  flags: [],
  run: (node) => printed(`Client: ${node.status().ciliumVersion}\nDaemon: ${node.status().ciliumVersion}\n`),
};
