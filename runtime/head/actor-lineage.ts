// In which actor an actor was made, and that one in which.
import type { ActorRecord } from "./actor-record.ts";

/** Whether an actor, or one that it was made in, is detached: what is made in it does not end with the job. */
export function isOfDetached(
  actorId: string | null,
  actors: { get(actorId: string): ActorRecord | undefined },
): boolean {
  const creation = actorId === null ? undefined : actors.get(actorId)?.creation;
  return creation !== undefined && (creation.info.detached || isOfDetached(creation.ownerActorId, actors));
}
