// A placement group as its user holds it.
import type { ObjectEntry } from "../calls/index.ts";
import { ObjectRef, type PlacementGroup } from "../core/index.ts";
import { PlacementGroupUnschedulableError } from "../errors/index.ts";
import { type GroupRequest, nameOf } from "./group-table.ts";

/** The error of a group that can never be placed. */
export function unschedulable(request: GroupRequest, reasons: readonly string[]): PlacementGroupUnschedulableError {
  const message = `placement group ${nameOf(request)} can never be placed: ${reasons.join("; ")}`;
  return new PlacementGroupUnschedulableError(message, { placementGroupId: request.id, reasons });
}

/** The user's object; `entry` is settled when the group's waiting ends. */
export function groupOf({ id, bundles, strategy, name }: GroupRequest, entry: ObjectEntry): PlacementGroup {
  return {
    id,
    bundles,
    strategy,
    name,
    ready: () => new ObjectRef<true>(entry),
    wait: (timeoutMs) => waitFor(entry, timeoutMs),
  };
}

function waitFor(entry: ObjectEntry, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => done(), timeoutMs);
    const stop = entry.onSettled(() => done());
    function done() {
      clearTimeout(timer);
      queueMicrotask(() => stop());
      resolve(entry.settled && "value" in (entry.outcome ?? {}));
    }
  });
}
