/** The actors of the placement comparison, and how their states are looked at. */

import {
  type ActorHandle,
  type ActorOptions,
  availableResources,
  getGpuIds,
  getRuntimeContext,
  listActors,
  type PlacementGroup,
  placementGroupTable,
  remote,
} from "../../../runtime/index.ts";

/** An actor that looks around. */
export class Looks {
  gpus(): readonly string[] {
    return getGpuIds();
  }
  visible(): string {
    return process.env["CUDA_VISIBLE_DEVICES"] ?? "";
  }
  pid(): number {
    return process.pid;
  }
  async node(): Promise<string> {
    return getRuntimeContext().getNodeId();
  }
}

/** An actor without CPUs, and the name that its state is listed under. */
export interface Looking {
  readonly name: string;
  readonly actor: ActorHandle<Looks>;
}

/** What waits for a place is looked at until it is as wanted, or for so long. */
const settlesMs = 9_000;
let count = 0;

export function looking(options: ActorOptions): Looking {
  count += 1;
  const name = `looks-${count}`;
  return {
    name,
    actor: remote(Looks)
      .options({ numCpus: 0, name, ...options })
      .remote(),
  };
}

export async function stateOf(name: string): Promise<string> {
  return (await listActors()).find((row) => row.name === name)?.state ?? "unknown";
}

/** `INFEASIBLE` where it waits for a node that is not there. */
export async function groupState({ id }: PlacementGroup): Promise<string> {
  const row = (await placementGroupTable()).find(({ placementGroupId }) => placementGroupId === id);
  return row?.infeasible ? "INFEASIBLE" : (row?.state ?? "unknown");
}

export async function nodesOf({ id }: PlacementGroup): Promise<number> {
  const row = (await placementGroupTable()).find(({ placementGroupId }) => placementGroupId === id);
  return new Set(row?.bundles.map(({ nodeId }) => nodeId)).size;
}

export async function gpusLeft(): Promise<number> {
  return (await availableResources())["GPU"] ?? 0;
}

/** The fact once it is as wanted, or as it is after a while. */
export async function settled(look: () => Promise<string>, wanted: string): Promise<string> {
  const until = performance.now() + settlesMs;
  for (;;) {
    const seen = await look();
    if (seen === wanted || performance.now() > until) return seen;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** How many there are of each, whatever they are called. */
export function counted(names: readonly string[]): string {
  const counts = [...new Set(names)].map((name) => names.filter((other) => other === name).length);
  return counts.sort((a, b) => a - b).join(",");
}
