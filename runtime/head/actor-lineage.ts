// In which actor an actor was made, and that one in which.
import type { ActorIndex } from "./actor-index.ts";
import type { ActorRecord } from "./actor-record.ts";

/** Whether an actor, or one that it was made in, is detached: what is made in it does not end with the job. */
export function isOfDetached(
  actorId: string | null,
  actors: { get(actorId: string): ActorRecord | undefined },
): boolean {
  const creation = actorId === null ? undefined : actors.get(actorId)?.creation;
  return creation !== undefined && (creation.info.detached || isOfDetached(creation.ownerActorId, actors));
}

/** The actors that end with a process, with why: those that it `owns`, and those of its `jobId` that no detached one made. */
export function endingWith(
  processId: string,
  { owns, jobId }: { readonly owns: boolean; readonly jobId: string | null },
  actors: ActorIndex,
): readonly (readonly [record: ActorRecord, message: string])[] {
  const owned = owns ? actors.ownedBy.get(processId) : [];
  const others = (jobId === null ? [] : actors.ofJob.get(jobId)).filter(({ creation: { owner, ownerActorId } }) => {
    return !(owns && owner === processId) && !isOfDetached(ownerActorId, actors);
  });
  const message = (whose: string) => `the ${whose} (${processId}) has ended`;
  const all = [
    ...owned.map((record) => [record, message("process that created it")] as const),
    ...others.map((record) => [record, message("driver of its job")] as const),
  ];
  return all.filter(([{ creation }]) => !creation.info.detached);
}
