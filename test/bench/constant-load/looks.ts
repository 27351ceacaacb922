/** Those who look at the cluster, as `astune list` and a dashboard do. */

import assert from "node:assert/strict";
import { availableResources, getActor, listActors, nodes, status } from "../../../runtime/index.ts";
import { listJobs } from "../../../runtime/jobs/index.ts";
import type { Chore } from "./chore.ts";

export function looks(): Chore[] {
  return [
    {
      name: "a look at nodes and resources",
      everyMs: 10_000,
      async run() {
        assert.equal((await nodes()).length, 2);
        assert.ok(((await availableResources())["CPU"] ?? 0) >= 0);
      },
    },
    {
      name: "a list of everything",
      everyMs: 120_000,
      async run() {
        assert.ok((await listActors()).length > 0);
        await status();
        await listJobs();
      },
    },
    { name: "a name that nobody has", everyMs: 4_000, run: () => assert.rejects(() => getActor("nobody")) },
  ];
}
