// What actors die of.
import type { ActorDeath } from "../control/index.ts";
import type { Refused } from "../placement/index.ts";

export function deathBy(reason: ActorDeath["reason"], message: string): ActorDeath {
  return { reason, message, failure: null, reasons: [] };
}

/** It can never be placed. */
export function deathOf({ kind, reasons }: Refused): ActorDeath {
  const reason = kind === "groupRemoved" ? "PLACEMENT_GROUP_REMOVED" : "UNSCHEDULABLE";
  return { reason, message: reasons.join("; "), failure: null, reasons };
}
