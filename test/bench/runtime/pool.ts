/** The host processes of this driver's cluster, as the kernel sees them. */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

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
    const used = hosts.map((pid) => `${pid} ${cpuTicks(pid)}`).join(",");
    if (hosts.length >= size && used === before) {
      return { processes: hosts.length, megabytes: Math.round(hosts.reduce((sum, pid) => sum + pssKb(pid), 0) / 1024) };
    }
    before = used;
    await sleep(lookMs);
  }
}

function hostsOf(driver: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (/^\d+$/.test(name)) parents.set(Number(name), Number(statOf(Number(name))[1] ?? 0));
  }
  const isBelow = (pid: number): boolean => {
    for (let at = pid; at > 1; at = parents.get(at) ?? 0) if (parents.get(at) === driver) return true;
    return false;
  };
  return [...parents.keys()].filter((pid) => isBelow(pid) && read(pid, "cmdline").includes("runtime/host/main.js"));
}

/** State, parent and so on: what follows the name. */
function statOf(pid: number): string[] {
  return read(pid, "stat").split(") ").at(-1)?.split(" ") ?? [];
}

function cpuTicks(pid: number): number {
  const [user, system] = statOf(pid).slice(11, 13);
  return Number(user) + Number(system);
}

function pssKb(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(read(pid, "smaps_rollup"))?.[1] ?? 0);
}

/** Empty where the process has ended. */
function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}
