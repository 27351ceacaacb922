/** `astune kill`: ends jobs of a cluster, or what astune runs on this machine, and says what it ended. */

import { userInfo } from "node:os";
import { killRuns } from "../../../backbones/index.ts";
import { UserError } from "../../../configs/index.ts";
import type { HeadAccess } from "../../../runtime/client/index.ts";
import type { JobInfo } from "../../../runtime/control/index.ts";
import { isEnded, listJobs, stopJob } from "../../../runtime/jobs/index.ts";
import type { Print } from "../config.ts";
import { findRow } from "./find-row.ts";
import { type HeadFlags, targetOf, withHead } from "./head-flags.ts";

export interface KillFlags extends HeadFlags {
  readonly all?: boolean;
  readonly json?: boolean;
}

interface Ended {
  readonly kind: "job" | "process";
  readonly id: string;
  readonly name: string;
  readonly how: "asked" | "forced";
}

export async function kill(job: string | undefined, flags: KillFlags, print: Print): Promise<void> {
  if (job !== undefined && flags.all === true) {
    throw new UserError({ where: "--all", expected: "no job beside it", found: job });
  }
  const ended = job !== undefined ? await killOne(job, flags) : await killMany(flags, print);
  if (flags.json === true) return print(JSON.stringify({ ended }, undefined, 2));
  for (const each of ended) print(`ended ${inWords(each)}`);
  if (ended.length > 0) return;
  const target = flags.all === true ? undefined : targetOf(flags);
  print(target ? `no job of yours runs on the head at ${target.address}` : "nothing of astune's is running here");
}

function killOne(given: string, flags: HeadFlags): Promise<Ended[]> {
  return withHead(flags, async (head) => {
    const row = await findRow(head, "jobs", given);
    const id = String(row["job_id"]);
    if (row["type"] === "DRIVER") {
      const found = `${id}, a driver`;
      throw new UserError({
        where: "job",
        expected: "a submitted job",
        found,
        fix: `end process ${row["pid"]} on its machine`,
      });
    }
    const stopped = await stopJob(id, head);
    if (!stopped)
      throw new UserError({ where: "job", expected: "one that runs", found: `${id}, which is ${row["status"]}` });
    return [{ kind: "job", id, name: String(row["name"]), how: "asked" }];
  });
}

async function killMany(flags: KillFlags, print: Print): Promise<Ended[]> {
  const target = targetOf(flags);
  const jobs = target ? await jobsOf(flags, print) : [];
  if (target && flags.all !== true) return jobs;
  const processes = await killRuns({ all: flags.all === true });
  return [
    ...jobs,
    ...processes.map(({ record, how }): Ended => ({ kind: "process", id: String(record.pid), name: record.name, how })),
  ];
}

/** Ends this user's jobs. With `--all` a head that does not answer is no obstacle: its process ends anyway. */
async function jobsOf(flags: KillFlags, print: Print): Promise<Ended[]> {
  try {
    return await withHead(flags, endJobs);
  } catch (error) {
    if (flags.all !== true || !(error instanceof UserError)) throw error;
    print(`jobs are left to their end: ${error.message}`);
    return [];
  }
}

async function endJobs(head: HeadAccess): Promise<Ended[]> {
  const { username } = userInfo();
  const own = (await listJobs(head)).filter(
    (job) => job.type === "SUBMISSION" && job.user === username && !isEnded(job),
  );
  const stopped = await Promise.all(
    own.map(async (job): Promise<JobInfo[]> => ((await stopJob(job.jobId, head)) ? [job] : [])),
  );
  return stopped.flat().map(({ jobId, name }) => ({ kind: "job", id: jobId, name, how: "asked" }));
}

function inWords({ kind, id, name, how }: Ended): string {
  const force = how === "forced" ? ", by force" : "";
  return kind === "job" ? `job ${id}${name ? ` (${name})` : ""}` : `${name} (process ${id}${force})`;
}
