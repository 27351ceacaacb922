// Why an actor is not made: its name is taken, or it can never be placed.
import type { ActorDeath } from "../control/index.ts";
import { ActorAlreadyExistsError } from "../errors/index.ts";
import type { Refused } from "../placement/index.ts";
import type { ActorRecord } from "./actor-record.ts";

/** A name within its namespace, as one text. */
export function nameKey(namespace: string, name: string): string {
  return JSON.stringify([namespace, name]);
}

export function taken(holder: ActorRecord, name: string, namespace: string): ActorAlreadyExistsError {
  const facts = { actorId: holder.actorId, className: holder.creation.info.className, actorName: name, namespace };
  return new ActorAlreadyExistsError(`an actor named "${name}" exists in namespace "${namespace}"`, facts);
}

export function deathOf({ kind, reasons }: Refused): ActorDeath {
  const reason = kind === "groupRemoved" ? "PLACEMENT_GROUP_REMOVED" : "UNSCHEDULABLE";
  return { reason, message: reasons.join("; "), failure: null, reasons };
}
