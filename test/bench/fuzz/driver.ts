/** A driver that has actors in TypeScript and Python, and works with them again and again: `run.js driver.ts ADDRESS TOKEN_FILE NODE`. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { get, init, nodes, put, pythonClass, remote } from "../../../runtime/index.ts";
import { hasPythonHosts, pythonFixtures } from "../../fixtures/python-hosts.ts";
import { Arrays, add } from "../../fixtures/remote/counter.ts";
import { Steady } from "../../fixtures/remote/steady.ts";

const [address = "", tokenFile = ""] = process.argv.slice(2);
await init({ address, tokenFile, namespace: "fuzzed" });
const nodeId = (await nodes())[0]?.nodeId as string;
// Whoever has the token may join with a node of any size: work stays on the one that is real.
const here = { numCpus: 0.1, schedulingStrategy: { nodeId, soft: false } } as const;
const steady = remote(Steady)
  .options({ ...here, name: "steady" })
  .remote();
const Counters = pythonClass<{ add(n: number): number; pid(): number }, [start?: number]>(
  "counters->Counter",
  { add: "sync", pid: "sync" },
  { folders: [pythonFixtures] },
);
const counter = hasPythonHosts ? Counters.options({ ...here, name: "counter" }).remote(0) : undefined;
const pids = { steady: await steady.pid.remote(), counter: (await counter?.pid.remote()) ?? 0 };
console.log(`WORKING ${JSON.stringify({ nodeId, ...pids })}`);

let rounds = 0;
for (;;) {
  const began = performance.now();
  const [sum, seen] = await get([remote(add).options(here).remote(rounds, 1), steady.see.remote(rounds)]);
  assert.deepEqual([sum, seen], [rounds + 1, rounds]);
  if (counter) await counter.add.remote(1);
  if (rounds % 20 === 0) {
    const arrays = remote(Arrays).options(here).remote();
    assert.equal(await arrays.sum.remote(put(new Float64Array(50_000).fill(1))), 50_000);
    await arrays[Symbol.asyncDispose]();
  }
  rounds += 1;
  console.log(`ROUND ${rounds} ${Math.round(performance.now() - began)}`);
  await sleep(3_000);
}
