/** The host processes of this driver's cluster, as the kernel sees them. */

import { setTimeout as sleep } from "node:timers/promises";
import { memoryOf, type ProcessFacts, processesBelow } from "../watch/proc.ts";

export interface Pool {
  readonly processes: number;
  /** Their own share of memory: what several share counts once. */
  readonly megabytes: number;
}

const lookMs = 500;

/** Waits until there are `size` hosts and none of them has anything to do. */
export async function warmPool(size: number): Promise<Pool> {
  let before = "";
  for (;;) {
    const hosts = hostsOf(process.pid);
    const used = hosts.map(({ pid, cpuSeconds }) => `${pid} ${cpuSeconds}`).join(",");
    if (hosts.length >= size && used === before) {
      const bytes = hosts.reduce((sum, { pid }) => sum + (memoryOf(pid)?.pssBytes ?? 0), 0);
      return { processes: hosts.length, megabytes: Math.round(bytes / 2 ** 20) };
    }
    before = used;
    await sleep(lookMs);
  }
}

function hostsOf(driver: number): ProcessFacts[] {
  return processesBelow([driver]).filter(({ command }) => command.includes("runtime/host/main.js"));
}
