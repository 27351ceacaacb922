// What head, node agents, hosts and drivers say to each other, as types.
export { type ActorInfo, describeActorInfo, isActorInfo, tableOf } from "./actor-info.ts";
export { type Address, formatAddress, parseAddress } from "./address.ts";
export * from "./inspection.ts";
export type * from "./jobs.ts";
export type * from "./messages.ts";
