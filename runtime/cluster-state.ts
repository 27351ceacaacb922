// What the runtime tells about its nodes, resources, actors and placement groups.
import type {
  ActorState,
  Bundle,
  NodeInfo,
  PendingReason,
  PlacementGroup,
  PlacementGroupOptions,
  PlacementGroupState,
  RuntimeStatus,
} from "./core/index.ts";
import { runtime } from "./current.ts";

/** All nodes, the dead ones too. */
export async function nodes(): Promise<NodeInfo[]> {
  return runtime().nodes();
}

/** What the nodes together have, by resource name. */
export async function clusterResources(): Promise<Record<string, number>> {
  return sum((await alive()).map(({ resources }) => resources));
}

/** What of it is not leased now. */
export async function availableResources(): Promise<Record<string, number>> {
  return sum((await alive()).map(({ available }) => available));
}

/** Reserves bundles of resources together, all or none. */
export function placementGroup(bundles: readonly Bundle[], options: PlacementGroupOptions = {}): PlacementGroup {
  return runtime().createPlacementGroup(bundles, options);
}

/** Ends the group's actors and gives its bundles back. */
export async function removePlacementGroup(group: Pick<PlacementGroup, "id">): Promise<void> {
  await runtime().removePlacementGroup(group);
}

export async function placementGroupTable(): Promise<PlacementGroupState[]> {
  return runtime().placementGroupTable();
}

/** Everything at once: nodes, actors (the dead ones too), placement groups, and what waits and why. */
export async function status(): Promise<RuntimeStatus> {
  return runtime().status();
}

export async function listActors(): Promise<readonly ActorState[]> {
  return (await status()).actors;
}

/** What waits for a place, since when, and why. */
export async function pendingReasons(): Promise<readonly PendingReason[]> {
  return (await status()).pending;
}

async function alive(): Promise<NodeInfo[]> {
  return (await nodes()).filter((node) => node.alive);
}

function sum(amounts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const one of amounts) {
    for (const [name, amount] of Object.entries(one)) total[name] = (total[name] ?? 0) + amount;
  }
  return total;
}
