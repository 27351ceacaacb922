// What the scheduling decisions are applied to: the nodes' ledger, those who wait for a part of it, placement groups.
export { compileGroup } from "./compile-group.ts";
export { groupOf, unschedulable } from "./group-handle.ts";
export { type GroupListener, type GroupRequest, GroupTable, nameOf } from "./group-table.ts";
export { Ledger, shapeOf } from "./ledger.ts";
export { describeNode, findGpus, here, type MachineOptions, machineNode, type NodePlace } from "./machine-node.ts";
export {
  type Ask,
  type Grant,
  type GrantedLease,
  type GroupView,
  type Refused,
  Scheduler,
} from "./scheduler.ts";
export type { Waiter } from "./waiting-line.ts";
