/** The tools in the container of a Cilium agent. They are also at hand outside, and then talk to the agent of the first node. */
import { ciliumTool } from './cilium/cilium.ts';
import { adminCurlTool } from './curl.ts';
import { hubbleTool } from './hubble/hubble.ts';
import type { Tool } from './tool.ts';

/** The table. */
export const AGENT_TOOLS: readonly Tool[] = [ciliumTool, adminCurlTool, hubbleTool];
