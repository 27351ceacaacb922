/** What a cluster that is not new has: lists of what has ended, as long as they may be. */

import { kill, placementGroup, remote, removePlacementGroup, shutdown } from "../../../runtime/index.ts";
import { connectHead, stopJob, submitJob } from "../../../runtime/jobs/index.ts";
import type { Cluster } from "../../fixtures/cluster.ts";
import { Counter } from "../../fixtures/remote/counter.ts";
import { Sums } from "../../fixtures/remote/jobs.ts";

/** So many actors, groups and jobs that have ended are shown, and one more. */
const [actors, groups, jobs] = [10_001, 1_001, 1_001];
const atOnce = 100;

/** They ask for more than there is, so that none of them has a process. */
export async function fillTables(cluster: Cluster): Promise<void> {
  await cluster.connect();
  say("filling the lists of what has ended: placement groups");
  await many(groups, async () => removePlacementGroup(placementGroup([{ CPU: 1000 }])));
  say("actors");
  await many(actors, async () => kill(remote(Counter).options({ numCpus: 1000 }).remote(0)));
  const head = await connectHead({ address: cluster.address, token: await cluster.token() });
  say("jobs");
  await many(jobs, async () => {
    const { jobId } = await submitJob({ entry: Sums, args: [1], resources: { CPU: 1000 } }, head);
    await stopJob(jobId, head);
  });
  head.close();
  await shutdown();
}

async function many(count: number, one: () => Promise<unknown>): Promise<void> {
  for (let left = count; left > 0; left -= atOnce) {
    await Promise.all(Array.from({ length: Math.min(atOnce, left) }, one));
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
