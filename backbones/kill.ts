/** Ends what astune runs on this machine: found by recorded process and start time, never by a name. */

import { readFileSync } from "node:fs";
import { hostMark } from "../runtime/node/index.ts";
import { type EndedProcess, endProcesses, type ProcessRecord, recordedProcesses } from "../runtime/processes/index.ts";

const GRACE_MS = 15_000;
const HEAD = "astune-head";
const WORKER = "astune-worker";

/**
 * Ends runs first, so that they close what they started; with `all` then the workers and the head of this machine; then
 * whatever recorded process is left. Without `all`, what a worker's actors started is left to them.
 */
export async function killRuns({ all = false } = {}): Promise<EndedProcess[]> {
  const own = (record: ProcessRecord): boolean => record.pid !== process.pid && (all || !isOfWorker(record));
  const end = (which: (record: ProcessRecord) => boolean): Promise<EndedProcess[]> =>
    endProcesses(
      recordedProcesses().filter((record) => own(record) && which(record)),
      GRACE_MS,
    );
  const isDaemon = ({ name }: ProcessRecord): boolean => name === HEAD || name === WORKER;
  const runs = await end((record) => !record.leadsGroup && !isDaemon(record));
  const workers = all ? await end(({ name }) => name === WORKER) : [];
  const heads = all ? await end(({ name }) => name === HEAD) : [];
  const left = await end(({ leadsGroup }) => leadsGroup);
  return [...runs, ...workers, ...heads, ...left];
}

/** Whether an actor of a cluster started it. */
function isOfWorker({ pid }: ProcessRecord): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`).includes(`${hostMark}=`);
  } catch {
    return false;
  }
}
