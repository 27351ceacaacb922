// What the actors and tasks of the local runtime share.
import type { Carrier, Channel, Endpoints, Turns } from "../calls/index.ts";
import type { ActorId, JobId, NodeId, RuntimeEnv } from "../core/index.ts";
import type { Scheduler } from "../placement/index.ts";

/** An actor, as far as the services care. */
export interface ActorEnd {
  readonly actorId: ActorId;
}

export interface LocalServices {
  readonly jobId: JobId;
  readonly nodeId: NodeId;
  readonly namespace: string;
  /** The job's. */
  readonly runtimeEnv: RuntimeEnv;
  readonly carrier: Carrier;
  readonly endpoints: Endpoints;
  readonly channel: Channel;
  readonly turns: Turns;
  readonly scheduler: Scheduler;
  pendingReason(actorId: ActorId): string | null;
  /** An incarnation has ended; its children end with it. */
  left(actor: ActorEnd): void;
  /** An actor is dead; its name is free. */
  died(actor: ActorEnd): void;
}
