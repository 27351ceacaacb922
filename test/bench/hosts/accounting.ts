/** What a run leaves behind: processes, leases of GPUs, ports, shared memory, temporary files, folders of weights. */

import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { availableResources, clusterResources, listActors, placementGroupTable } from "../../../runtime/index.ts";
import type { HostsCluster } from "./hosts-cluster.ts";
import type { Belongings } from "./machines.ts";

const PATIENCE_MS = 90_000;

/** Counts of what is there and should not be, with a line for each. */
export interface Leaks {
  readonly counts: Readonly<Record<"processes" | "leases" | "ports" | "segments" | "files", number>>;
  readonly lines: readonly string[];
}

/** How many processes and ports an idle machine has: an agent, its shell, hosts that are kept ready. */
export type Idle = readonly Pick<Belongings, "processes" | "ports">[];

/** The cluster as it is before a run, once it has come to rest. */
export async function idleState(cluster: HostsCluster): Promise<Idle> {
  let before = cluster.machines.map((machine) => machine.belongings());
  for (;;) {
    await sleep(2_000);
    const now = cluster.machines.map((machine) => machine.belongings());
    const same = now.every((each, at) => each.processes.length === before[at]?.processes.length);
    if (same) return now;
    before = now;
  }
}

/** Waits until a run's processes, leases and ports are given back, then stops the cluster and looks for what stayed. */
export async function account(cluster: HostsCluster, idle: Idle, experiment: string): Promise<Leaks> {
  const leftOfRun = await settled(async () => [...(await heldLeases()), ...moreThan(cluster, idle)]);
  await cluster.stop();
  const leftAtEnd = await settled(async () => remains(cluster));
  const weights = readdirSync(experiment).filter((name) => name.startsWith("astune-weights-"));
  const lines = [
    ...leftOfRun,
    ...leftAtEnd,
    ...weights.map((name) => ({ kind: "files", line: `${experiment}/${name}` })),
  ];
  const count = (kind: string): number => lines.filter((leak) => leak.kind === kind).length;
  return {
    counts: {
      processes: count("processes"),
      leases: count("leases"),
      ports: count("ports"),
      segments: count("segments"),
      files: count("files"),
    },
    lines: lines.map(({ kind, line }) => `${kind}: ${line}`),
  };
}

interface Leak {
  readonly kind: string;
  readonly line: string;
}

/** Looks until nothing is left, or for as long as a cluster may take to clean up. */
async function settled(look: () => Promise<readonly Leak[]>): Promise<readonly Leak[]> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const leaks = await look();
    if (leaks.length === 0 || performance.now() > until) return leaks;
    await sleep(500);
  }
}

async function heldLeases(): Promise<Leak[]> {
  const [all, free, actors, groups] = await Promise.all([
    clusterResources(),
    availableResources(),
    listActors(),
    placementGroupTable(),
  ]);
  const held = Object.entries(all).filter(([name, amount]) => Math.abs(amount - (free[name] ?? 0)) > 1e-9);
  return [
    ...held.map(([name, amount]) => ({ kind: "leases", line: `${name}: ${free[name] ?? 0} of ${amount} are free` })),
    ...actors
      .filter(({ state }) => state !== "DEAD")
      .map(({ className, state }) => ({ kind: "leases", line: `actor ${className} is ${state}` })),
    ...groups
      .filter(({ state }) => state !== "REMOVED")
      .map(({ state }) => ({ kind: "leases", line: `a placement group is ${state}` })),
  ];
}

function moreThan(cluster: HostsCluster, idle: Idle): Leak[] {
  return cluster.machines.flatMap((machine, at) => {
    const before = idle[at] as Idle[number];
    const now = machine.belongings();
    return (["processes", "ports"] as const).flatMap((kind) =>
      now[kind].length > before[kind].length
        ? [{ kind, line: `machine ${at}: ${now[kind].length} after a run, ${before[kind].length} before` }]
        : [],
    );
  });
}

function remains(cluster: HostsCluster): Leak[] {
  return cluster.machines.flatMap((machine, at) => {
    const { temporary, ...rest } = machine.belongings();
    const all = { ...rest, files: temporary };
    return Object.entries(all).flatMap(([kind, found]) =>
      found.map((each) => ({ kind, line: `machine ${at}: ${each}` })),
    );
  });
}
