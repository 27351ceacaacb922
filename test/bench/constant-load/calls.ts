/** Calls, tasks, objects, streams and printed lines: what a driver does with actors that live long. */

import assert from "node:assert/strict";
import { cancel, get, put, pythonClass, remote, TaskCancelledError, wait } from "../../../runtime/index.ts";
import { hasPythonHosts, pythonFixtures } from "../../fixtures/python-hosts.ts";
import { Arrays, add, Counter } from "../../fixtures/remote/counter.ts";
import { slowly } from "../../fixtures/remote/steady.ts";
import { Surroundings } from "../../fixtures/remote/surroundings.ts";
import type { Chore } from "./chore.ts";

const large = 250_000;

interface PythonCounter {
  add(n: number): number;
  doubled(array: Float64Array): Float64Array;
  up_to(n: number): Generator<number>;
}

/** The chores, with their actors made. */
export async function calls(): Promise<Chore[]> {
  const counter = remote(Counter).options({ numCpus: 0 }).remote(0);
  const arrays = remote(Arrays).options({ numCpus: 0 }).remote();
  const printer = remote(Surroundings).options({ numCpus: 0, name: "printer" }).remote();
  const refs = (count: number) => Array.from({ length: count }, () => counter.add.remote(0));
  await get([counter.__ray_ready__.remote(), arrays.__ray_ready__.remote(), printer.__ray_ready__.remote()]);
  return [
    { name: "100 calls", everyMs: 1_000, run: async () => assert.equal((await get(refs(100))).length, 100) },
    {
      name: "20 tasks",
      everyMs: 2_000,
      async run(round) {
        const sums = await get(
          Array.from({ length: 20 }, (_, i) => remote(add).options({ numCpus: 0.5 }).remote(i, round)),
        );
        assert.deepEqual(
          sums,
          sums.map((_, i) => i + round),
        );
      },
    },
    {
      name: "2 MB put, read, passed to an actor and given back",
      everyMs: 2_000,
      async run(round) {
        const ref = put(new Float64Array(large).fill(round));
        assert.equal((await get(ref)).length, large);
        assert.equal(await arrays.sum.remote(ref), large * round);
        assert.equal((await arrays.ones.remote(large)).length, large);
      },
    },
    {
      name: "an object kept by an actor",
      everyMs: 6_000,
      run: async () => assert.equal(await arrays.keep.remote(put(new Float64Array(large))), large),
    },
    {
      name: "100 small puts",
      everyMs: 2_000,
      async run(round) {
        const values = await get(Array.from({ length: 100 }, (_, i) => put<number>(i + round)));
        assert.equal(values[99], 99 + round);
      },
    },
    {
      name: "a stream",
      everyMs: 2_000,
      async run() {
        let sum = 0;
        for await (const ref of counter.upTo.remote(50)) sum += await ref;
        assert.equal(sum, 1275);
      },
    },
    {
      name: "a stream of large values",
      everyMs: 10_000,
      async run() {
        for await (const ref of arrays.chunks.remote(4, large)) assert.equal((await ref).length, large);
      },
    },
    {
      name: "a stream that is left half-way",
      everyMs: 10_000,
      async run() {
        for await (const ref of counter.upTo.remote(1000)) if ((await ref) > 10) break;
      },
    },
    {
      name: "20 lines printed",
      everyMs: 2_000,
      run: (round) =>
        printer.print.remote(Array.from({ length: 20 }, (_, i) => `line ${round}.${i}`)) as unknown as Promise<void>,
    },
    {
      name: "a call that fails",
      everyMs: 4_000,
      run: () => assert.rejects(() => get(counter.fail.remote("as it should"))),
    },
    {
      name: "a task that is cancelled",
      everyMs: 10_000,
      async run() {
        const ref = remote(slowly).options({ numCpus: 0.5, maxRetries: 0 }).remote(1, 60_000);
        const [ready] = await wait([ref], { timeoutMs: 100 });
        assert.equal(ready.length, 0);
        await cancel(ref, { force: true });
        await assert.rejects(() => get(ref), TaskCancelledError);
      },
    },
    ...(hasPythonHosts ? await pythonCalls() : []),
  ];
}

async function pythonCalls(): Promise<Chore[]> {
  const Counters = pythonClass<PythonCounter, [start?: number]>(
    "counters->Counter",
    { add: "sync", doubled: "sync", up_to: "generator" },
    { folders: [pythonFixtures] },
  );
  const counter = Counters.options({ numCpus: 0 }).remote(0);
  await counter.__ray_ready__.remote();
  return [
    {
      name: "20 calls in Python",
      everyMs: 2_000,
      run: async () => assert.equal((await get(Array.from({ length: 20 }, () => counter.add.remote(0)))).length, 20),
    },
    {
      name: "2 MB through Python",
      everyMs: 4_000,
      async run(round) {
        const doubled = await counter.doubled.remote(put(new Float64Array(large).fill(round)));
        assert.equal(doubled[0], 2 * round);
      },
    },
    {
      name: "a stream from Python",
      everyMs: 6_000,
      async run() {
        let sum = 0;
        for await (const ref of counter.up_to.remote(20)) sum += await ref;
        assert.equal(sum, 190);
      },
    },
  ];
}
