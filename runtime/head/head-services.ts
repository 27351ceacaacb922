// What the parts of the head share.
import type { Scheduler } from "../placement/index.ts";
import type { ClientTable } from "./client-table.ts";
import type { HeadStore } from "./head-store.ts";
import type { NodeTable } from "./node-table.ts";

export interface HeadServices {
  readonly store: HeadStore;
  readonly scheduler: Scheduler;
  readonly nodes: NodeTable;
  readonly clients: ClientTable;
  /** An actor is dead: what it created ends with it. */
  actorEnded(actorId: string): void;
}
