/** The table of everything that can be typed outside of pods. */
import { AGENT_TOOLS } from './agent_tools.ts';
import { kubectlTool } from './kubectl/kubectl.ts';
import type { Tool } from './tool.ts';

/** The table. */
export const TOOLS: readonly Tool[] = [...AGENT_TOOLS, kubectlTool];
