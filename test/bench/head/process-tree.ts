/** What all processes of a system use together, however they were started: they carry a mark in their environment. */

import { setTimeout as sleep } from "node:timers/promises";
import { markedProcesses } from "../../../runtime/processes/index.ts";
import { countOf, factsOf, memoryOf, processesBelow } from "../watch/proc.ts";

/** The environment variable that marks the processes of one system under measurement. */
export const mark = "ASTUNE_BENCH_SYSTEM";

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
  const [facts, memory, threads] = [factsOf(pid), memoryOf(pid), countOf(pid, "task")];
  if (facts === undefined || memory === undefined || threads === undefined) return undefined;
  return { processes: 1, threads, ...memory, cpuSeconds: facts.cpuSeconds };
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
  return processesBelow(markedProcesses(mark, system)).map(({ pid }) => pid);
}
