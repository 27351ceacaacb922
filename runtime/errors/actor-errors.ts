// Errors of actors: dead, restarting, not placeable, not found, already there, too many calls.
import { RayError } from "./ray-error.ts";

/** Which actor an error is about. */
export interface ActorFacts {
  readonly actorId: string;
  readonly className: string;
  readonly actorName?: string | undefined;
}

/** A call could not be answered because of the state of its actor. */
export class RayActorError extends RayError {
  override readonly code: string = "ACTOR_ERROR";
  declare readonly actorId: string;
  declare readonly className: string;
  declare readonly actorName?: string;

  constructor(message: string, facts: ActorFacts, options?: ErrorOptions) {
    super(message, facts, options);
  }
}

/** The actor is dead and stays dead. `cause` is what it died of where that was an error (its constructor's, for one). */
export class ActorDiedError extends RayActorError {
  override readonly code: string = "ACTOR_DIED";
}

/** The actor is restarting; the call may or may not have run. A later call may succeed. */
export class ActorUnavailableError extends RayActorError {
  override readonly code = "ACTOR_UNAVAILABLE";
}

/** The actor asks for what no node has, so it can never be placed. `reasons` has one line for each refusal. */
export class ActorUnschedulableError extends RayActorError {
  override readonly code = "ACTOR_UNSCHEDULABLE";
  declare readonly reasons: readonly string[];
}

/** The placement group that the actor was placed in has been removed. */
export class ActorPlacementGroupRemoved extends RayActorError {
  override readonly code = "ACTOR_PLACEMENT_GROUP_REMOVED";
}

/** Another live actor has this name in this namespace. */
export class ActorAlreadyExistsError extends RayActorError {
  override readonly code = "ACTOR_ALREADY_EXISTS";
  declare readonly namespace: string;
}

/** No live actor has this name in this namespace. */
export class ActorHandleNotFoundError extends RayError {
  override readonly code = "ACTOR_NOT_FOUND";
  declare readonly actorName: string;
  declare readonly namespace: string;
}

/** The actor has `limit` calls waiting already (`maxPendingCalls`). */
export class PendingCallsLimitExceeded extends RayError {
  override readonly code = "PENDING_CALLS_LIMIT_EXCEEDED";
  declare readonly limit: number;
}

/** What `exitActor()` throws to leave the running method. Let it pass. */
export class AsyncioActorExit extends RayError {
  override readonly code = "ACTOR_EXIT";
}
