/** Ends what astune runs on this machine: found by recorded process and start time, never by a name. */

import { type EndedProcess, endProcesses, recordedProcesses } from "../runtime/processes/index.ts";

const GRACE_MS = 15_000;

/** Ends runs first, so that they close what they started; then whatever recorded process is left. */
export async function killRuns(): Promise<EndedProcess[]> {
  const others = recordedProcesses().filter((record) => record.pid !== process.pid);
  const runs = await endProcesses(
    others.filter((record) => !record.leadsGroup),
    GRACE_MS,
  );
  const left = await endProcesses(
    recordedProcesses().filter((record) => record.leadsGroup),
    GRACE_MS,
  );
  return [...runs, ...left];
}
