import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { listActors, type ObjectRef, put, remote } from "../../../runtime/index.ts";
import { eventually } from "../../fixtures/cluster.ts";
import { actorsOf, onEveryRuntime } from "../../fixtures/conformance.ts";
import { Keeper } from "../../fixtures/remote/keeper.ts";
import { Mortal } from "../../fixtures/remote/mortals.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

onEveryRuntime("handles that are collected", () => {
  test("an actor whose handles are all collected ends; one with a handle does not", async () => {
    const kept = remote(Mortal).options({ name: "kept" }).remote();
    await remote(Mortal).options({ name: "dropped" }).remote().add.remote(1);
    await eventually(
      async () => {
        collect();
        return (await actorsOf("dropped"))[0]?.state;
      },
      (state) => state === "DEAD",
    );
    expect((await listActors()).find(({ name }) => name === "kept")?.state).toBe("ALIVE");
    expect(await kept.add.remote(1)).toBe(1);
  });
});

onEveryRuntime(
  "references that are collected",
  () => {
    const count = 200;
    const bytes = 90_000;

    function held(): number {
      collect();
      return process.memoryUsage().arrayBuffers;
    }

    test("a value is kept while a borrower has a reference, and given back when none has", async () => {
      const keeper = remote(Keeper).remote();
      await keeper.pid.remote();
      const before = held();
      const full = before + (count * bytes) / 2;
      async function handOver(): Promise<void> {
        const refs: ObjectRef[] = [];
        for (let i = 0; i < count; i += 1) refs.push(put(new Uint8Array(bytes).fill(i)));
        await keeper.keepAll.remote(refs);
      }
      await handOver();
      expect(held()).toBeGreaterThan(full);
      await keeper.collect.remote();
      expect(await keeper.readAll.remote()).toBe(count * bytes);
      await eventually(
        async () => {
          await keeper.dropAll.remote();
          // An owner keeps a value for some seconds more, in case a reference to it is on its way.
          await sleep(500);
          return held();
        },
        (now) => now < full,
      );
    });
  },
  { modes: ["cluster"] },
);
