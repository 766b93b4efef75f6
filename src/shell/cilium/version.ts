/**
 * `cilium version`.
 * @see cilium:cilium/cmd/version.go
 * @remarks Simplified: the version alone, without revision, date and Go's version.
 */
import { printed } from '../table.ts';
import type { CiliumCommand } from './command.ts';
import { checkOutput, hasOutput, OUTPUT_FLAG, output } from './output.ts';

/** The command. */
export const versionCommand: CiliumCommand = {
  words: 'version',
  summary: 'print version information',
  flags: [OUTPUT_FLAG],
  check: checkOutput,
  run: (node, flags) => {
    const { ciliumVersion } = node.status();
    const version = { Version: ciliumVersion, Revision: '', GoRuntimeVersion: '', Arch: 'linux/amd64', AuthorDate: '' };
    return hasOutput(flags)
      ? output(flags, { Client: version, Daemon: version })
      : printed(`Client: ${ciliumVersion}\nDaemon: ${ciliumVersion}\n`);
  },
};
