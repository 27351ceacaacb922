// What the scheduling decisions are applied to: the nodes' ledger, those who wait for a part of it, placement groups.
export { compileGroup } from "./compile-group.ts";
export { type GroupListener, type GroupRequest, GroupTable, nameOf } from "./group-table.ts";
export { type Ask, type Grant, type GroupView, Ledger, type Refused, Scheduler, type Waiter } from "./scheduler.ts";
