// A node of the cluster: its agent, and the hosts that it keeps.
export { type HostSettings, hostMark } from "./host-process.ts";
export { NodeAgent } from "./node-agent.ts";
export type { NodeAgentOptions } from "./node-agent-options.ts";
export { hostPython } from "./python-host.ts";
export { nodeMark } from "./reaper.ts";
export { type RunNodeOptions, type RunningNode, runNode } from "./run-node.ts";
