/** `astune submit` on the cluster: finds or starts a head, registers the run, follows its log. */

import { followRun, startLogview, submitToCluster } from "../../../backbones/index.ts";
import type { LoadedConfig } from "../../../configs/index.ts";
import type { HeadConnection } from "../../../runtime/client/index.ts";
import { type HeadFlags, targetOf, withHead } from "./head-flags.ts";
import { startHere } from "./start-here.ts";

export interface ClusterSubmitFlags extends HeadFlags {
  readonly resume?: boolean;
  readonly withLogview?: boolean;
  readonly withRay?: boolean;
}

const LOGVIEW_PORT = 8181;

/** The job ended, and not well. */
class JobFailedError extends Error {
  readonly code = "JOB_FAILED";
}

/** The job goes on or was stopped; either way this command did not come to its end. */
class InterruptedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "InterruptedError";
  }
}

/** Follows the run to its end. Throws where it failed, was stopped, or Ctrl-C ended the following. */
export async function submitOnCluster(loaded: LoadedConfig, flags: ClusterSubmitFlags): Promise<void> {
  if (flags.withRay === true && targetOf(flags) === undefined) await startHere();
  await withHead(flags, (head) => submitTo(head, loaded, flags));
}

async function submitTo(head: HeadConnection, loaded: LoadedConfig, flags: ClusterSubmitFlags): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const stop = new AbortController();
  process.on("SIGINT", () => stop.abort()).on("SIGTERM", () => stop.abort());
  const { jobId, folder } = await submitToCluster({ loaded, head, resume: flags.resume === true, say });
  const logview = flags.withLogview === true ? await startLogview({ folder, port: LOGVIEW_PORT }) : undefined;
  if (logview) say(`logview: ${logview.url}`);
  try {
    const write = (text: string): void => void process.stdout.write(text);
    const { status, message } = await followRun(jobId, { head, write, signal: stop.signal });
    if (status === "FAILED") throw new JobFailedError(`job ${jobId} failed: ${message}`);
    if (status === "STOPPED") throw new InterruptedError(`job ${jobId} was stopped`);
    say(`job ${jobId}: ${message}`);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    throw new InterruptedError(
      `\nno longer following; job ${jobId} goes on. Its log again: astune logs -f ${jobId}; end it: astune kill ${jobId}`,
    );
  } finally {
    await logview?.close();
  }
}
