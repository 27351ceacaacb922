// Branded identifiers: an ObjectId cannot go where an ActorId belongs.
import { randomBytes } from "node:crypto";

declare const brand: unique symbol;
type Id<Kind extends string> = string & { readonly [brand]: Kind };

export type ObjectId = Id<"object">;
export type ActorId = Id<"actor">;
export type TaskId = Id<"task">;
export type NodeId = Id<"node">;
export type JobId = Id<"job">;
export type PlacementGroupId = Id<"placementGroup">;

const processPart = randomBytes(8).toString("hex");
let made = 0;

/** The task of one call of this process, or of another one by its id: made of the caller and the call's number. */
export function taskIdOf(callId: number, processId: string = processPart): TaskId {
  return `${processId.slice(0, 16)}f${callId.toString(16).padStart(11, "0")}` as TaskId;
}

/** A task whose id is put together only when somebody asks for it: most calls are never asked. */
export class TaskNumber {
  readonly #callId: number;
  readonly #processId: string | undefined;

  /** As taskIdOf. */
  constructor(callId: number, processId?: string) {
    this.#callId = callId;
    this.#processId = processId;
  }

  get taskId(): TaskId {
    return taskIdOf(this.#callId, this.#processId);
  }
}

/** A new identifier, unique across processes: 16 random hex digits of this process and a count. */
export function newId<T extends string>(): T {
  made += 1;
  return (processPart + made.toString(16).padStart(12, "0")) as T;
}
