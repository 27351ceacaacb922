// A node of the cluster: its agent, and the hosts that it keeps.
export { type HostSettings, hostMark } from "./host-process.ts";
export { NodeAgent, type NodeAgentOptions } from "./node-agent.ts";
export { nodeMark } from "./reaper.ts";
export { type RunNodeOptions, type RunningNode, runNode } from "./run-node.ts";
