// Why an actor can never be placed, as what it dies of.
import type { ActorDeath } from "../control/index.ts";
import type { Refused } from "../placement/index.ts";

export function deathOf({ kind, reasons }: Refused): ActorDeath {
  const reason = kind === "groupRemoved" ? "PLACEMENT_GROUP_REMOVED" : "UNSCHEDULABLE";
  return { reason, message: reasons.join("; "), failure: null, reasons };
}
