/**
 * Processes that carry a mark in their environment, as everything does that a marked process starts, whatever session or
 * group it puts itself in. So what an actor's host started can be found and ended without trusting it to stay in its
 * process group.
 */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 10;

/** Running processes whose environment has `variable=value`. Zombies do not count. */
export function markedProcesses(variable: string, value: string): number[] {
  const mark = Buffer.from(`${variable}=${value}\0`);
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid)) return [];
    try {
      return readFileSync(`/proc/${pid}/environ`).includes(mark) ? [pid] : [];
    } catch {
      return []; // gone meanwhile, or another user's
    }
  });
}

/** Ends them all with SIGKILL and waits until none is left. A process that forks while it is killed is found again. */
export async function endMarkedProcesses(variable: string, value: string): Promise<void> {
  for (;;) {
    const pids = markedProcesses(variable, value);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // gone meanwhile
      }
    }
    await sleep(pollMs);
  }
}
