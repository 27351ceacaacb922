// What a job has taken: its placement groups, and the actors and tasks that are in none.
import { plus, type Units } from "../scheduling/index.ts";
import type { ActorTable } from "./actor-table.ts";
import type { GroupDesk } from "./group-desk.ts";
import type { LeaseTable } from "./lease-table.ts";

export function heldByJob(jobId: string, actors: ActorTable, leases: LeaseTable, groups: GroupDesk): Units {
  const ofActors = actors.index.ofJob.get(jobId).flatMap(({ grant }) => grant ?? []);
  const taken = [...ofActors, ...leases.grantsOf(jobId)].filter(({ lease }) => lease.groupId === null);
  const reserved = groups.leasesOf(jobId);
  return [...taken.map(({ lease }) => lease.units), ...reserved.map(({ units }) => units)].reduce<Units>(plus, {});
}
