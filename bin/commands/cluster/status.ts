/** `astune status`: the cluster at a glance, and why things wait. */

import type { HeadConnection } from "../../../runtime/client/index.ts";
import type { Row } from "../../../runtime/control/index.ts";
import type { PendingReason, RuntimeStatus } from "../../../runtime/index.ts";
import { summarize } from "../../../runtime/state/index.ts";
import type { Print } from "../config.ts";
import { everything, listRows } from "./find-row.ts";
import { ago, size, tableOf } from "./table.ts";

export async function status(head: HeadConnection, json: boolean, print: Print): Promise<void> {
  const [nodes, jobs, { actors, pending }] = await Promise.all([
    listRows(head, { kind: "nodes", filters: [], limit: everything }),
    listRows(head, { kind: "jobs", filters: [], limit: everything }),
    head.ask("status", null) as Promise<RuntimeStatus>,
  ]);
  const living = nodes.result.filter(({ state }) => state !== "DEAD");
  const resources = usage(living.filter(({ state }) => state === "ALIVE"));
  const waits = pending.map(pendingRow);
  const actorCounts = summarize(
    "actors",
    actors.map(({ className, state }) => ({ class_name: className, state })),
  );
  const jobCounts = summarize("jobs", jobs.result);
  if (json) {
    const all = {
      address: head.address,
      nodes: nodes.result,
      resources,
      actors: actorCounts,
      jobs: jobCounts,
      pending: waits,
    };
    return print(JSON.stringify(all, undefined, 2));
  }
  const count = (state: string): number => nodes.result.filter((node) => node["state"] === state).length;
  print(`head ${head.address}: ${count("ALIVE")} nodes alive, ${count("DRAINING")} draining, ${count("DEAD")} dead`);
  if (living.length > 0)
    print(
      tableOf(
        ["node", "state", "ip", "CPU", "GPU", "memory free", "object store", "actors", "processes", "rss"],
        living.map(nodeCells),
      ),
    );
  const custom = Object.entries(resources).filter(([name]) => name !== "memory");
  print(`in use: ${custom.map(([name, { used, total }]) => `${name} ${used} of ${total}`).join(", ") || "nothing"}`);
  print(`actors: ${inWords(actorCounts, "state") || "none"}`);
  print(`jobs: ${inWords(jobCounts, "status") || "none"}`);
  if (waits.length === 0) return print("pending: nothing");
  print("pending:");
  for (const { kind, id, name, since_ms, reasons } of waits) {
    print(`  ${kind} ${name || id} for ${ago(since_ms)}:`);
    for (const reason of reasons) print(`    ${reason}`);
  }
}

/** Of every resource of nodes that take work: how much is in use, of how much. */
function usage(nodes: readonly Row[]): Record<string, { used: number; total: number }> {
  const sums: Record<string, { used: number; total: number }> = {};
  for (const node of nodes) {
    const free = node["resources_available"] as Record<string, number>;
    for (const [name, total] of Object.entries(node["resources_total"] as Record<string, number>)) {
      if (name.startsWith("node:")) continue;
      const known = sums[name] ?? { used: 0, total: 0 };
      const used = Math.round((known.used + total - (free[name] ?? 0)) * 10_000) / 10_000;
      sums[name] = { used, total: known.total + total };
    }
  }
  return sums;
}

function nodeCells(node: Row): Row {
  const total = node["resources_total"] as Record<string, number>;
  const free = node["resources_available"] as Record<string, number>;
  const share = (name: string): string =>
    total[name] ? `${Math.round((total[name] - (free[name] ?? total[name])) * 10_000) / 10_000}/${total[name]}` : "";
  const processes = node["processes"] as readonly { rss_bytes: number }[];
  return {
    node: node["node_id"],
    state: node["state"],
    ip: node["node_ip"],
    CPU: share("CPU"),
    GPU: share("GPU"),
    "memory free": bytesOf(node["memory_available_bytes"]),
    "object store": `${bytesOf(node["object_store_used_bytes"])} of ${bytesOf(node["object_store_total_bytes"])}`,
    actors: node["actors"],
    processes: processes.length,
    rss: size(processes.reduce((sum, { rss_bytes }) => sum + rss_bytes, 0)),
  };
}

function bytesOf(value: unknown): string {
  return typeof value === "number" ? size(value) : "";
}

function pendingRow({ kind, id, name, sinceMs, required, reasons }: PendingReason) {
  return { kind, id, name, since_ms: sinceMs, required, reasons };
}

/** "3 ALIVE, 1 DEAD" */
function inWords(counts: readonly Row[], column: string): string {
  const sums = new Map<string, number>();
  for (const row of counts) {
    const state = String(row[column]);
    sums.set(state, (sums.get(state) ?? 0) + Number(row["count"]));
  }
  return [...sums].map(([state, count]) => `${count} ${state}`).join(", ");
}
