/** Ends recorded processes: asked first, forced after a grace period, with the whole group where they lead one. */

import { setTimeout as sleep } from "node:timers/promises";
import { isRunning, type ProcessRecord } from "./process-record.ts";

const POLL_MS = 50;

/** How a process ended. */
export interface EndedProcess {
  readonly record: ProcessRecord;
  readonly how: "asked" | "forced";
}

function signal(record: ProcessRecord, name: "SIGTERM" | "SIGKILL"): void {
  if (!isRunning(record)) return;
  try {
    process.kill(record.leadsGroup ? -record.pid : record.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function ended(record: ProcessRecord, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (isRunning(record)) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Sends SIGTERM to each, waits up to `graceMs`, then SIGKILL. Resolves when all are gone. */
export async function endProcesses(records: readonly ProcessRecord[], graceMs: number): Promise<EndedProcess[]> {
  for (const record of records) signal(record, "SIGTERM");
  return Promise.all(
    records.map(async (record): Promise<EndedProcess> => {
      if (await ended(record, graceMs)) return { record, how: "asked" };
      signal(record, "SIGKILL");
      await ended(record, graceMs);
      return { record, how: "forced" };
    }),
  );
}
