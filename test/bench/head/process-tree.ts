/** What all processes of a system use together, however they were started: they carry a mark in their environment. */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { markedProcesses } from "../../../runtime/processes/index.ts";

/** The environment variable that marks the processes of one system under measurement. */
export const mark = "ASTUNE_BENCH_SYSTEM";

/** Clock ticks of /proc in a second. */
const ticksPerSecond = 100;

export interface Usage {
  readonly processes: number;
  readonly threads: number;
  /** Sum over the processes; what they share counts for each. */
  readonly rssBytes: number;
  /** Sum over the processes; what they share counts once. */
  readonly pssBytes: number;
  /** User and system time since their start. */
  readonly cpuSeconds: number;
}

/** Of all processes of a system but `apart`. */
export function usageOf(system: string, apart?: number): Usage {
  const pids = processesOf(system).filter((pid) => pid !== apart);
  const all = pids.flatMap((pid) => usageOfProcess(pid) ?? []);
  const sum = (field: keyof Usage) => all.reduce((total, each) => total + each[field], 0);
  return {
    processes: all.length,
    threads: sum("threads"),
    rssBytes: sum("rssBytes"),
    pssBytes: sum("pssBytes"),
    cpuSeconds: sum("cpuSeconds"),
  };
}

/** Undefined where the process is gone. */
export function usageOfProcess(pid: number): Usage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const memory = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const kilobytes = (name: string) => Number(memory.match(new RegExp(`^${name}:\\s+(\\d+) kB`, "m"))?.[1] ?? 0);
    return {
      processes: 1,
      threads: readdirSync(`/proc/${pid}/task`).length,
      rssBytes: kilobytes("Rss") * 1024,
      pssBytes: kilobytes("Pss") * 1024,
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    };
  } catch {
    return undefined;
  }
}

/** Ends all processes of a system. */
export async function endSystem(system: string): Promise<void> {
  // Those that have lost their mark are found by their parents, so all are looked for before any is ended.
  for (;;) {
    const pids = processesOf(system);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // gone meanwhile
      }
    }
    await sleep(10);
  }
}

/** The marked ones and what they have started: a program that sets its title (Ray's do) overwrites its own mark. */
function processesOf(system: string): number[] {
  const found = new Set(markedProcesses(mark, system));
  const parents = allParents();
  for (;;) {
    const children = [...parents].filter(([pid, parent]) => found.has(parent) && !found.has(pid));
    if (children.length === 0) return [...found];
    for (const [pid] of children) found.add(pid);
  }
}

function allParents(): Map<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((each) => /^\d+$/.test(each))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (state !== "Z") parents.set(Number(name), Number(parent));
    } catch {
      // gone meanwhile
    }
  }
  return parents;
}
