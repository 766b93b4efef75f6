/** The table of tools that work on text. */
import type { Tool } from '../tool.ts';
import { characterTools } from './characters.ts';
import { grepTools } from './grep.ts';
import { jqTool } from './jq.ts';
import { lineTools } from './lines.ts';
import { sedTool } from './sed.ts';

/** The table. */
export const SHELL_TOOLS: readonly Tool[] = [...grepTools, ...lineTools, ...characterTools, sedTool, jqTool];
