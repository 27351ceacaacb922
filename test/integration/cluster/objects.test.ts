import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { get, type ObjectRef, put, remote } from "../../../runtime/index.ts";
import { Cluster } from "../../fixtures/cluster.ts";
import { Arrays } from "../../fixtures/remote/counter.ts";

const length = 1 << 18; // 2 MiB of float64

describe("large values go through the nodes' object stores", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await Cluster.start({ cpus: 2, resources: { one: 1 } }, { cpus: 2, resources: { two: 1 } });
    await cluster.connect();
  });
  afterAll(() => cluster.close());

  const on = (resource: string) =>
    remote(Arrays)
      .options({ resources: { [resource]: 0.1 }, numCpus: 0 })
      .remote();

  test("an array that was put is got as it was when it was put", async () => {
    const array = new Float64Array(length).fill(2);
    const ref = put(array);
    array.fill(3);
    const got = (await get(ref)) as Float64Array;
    expect(got).toHaveLength(length);
    expect(got.every((value) => value === 2)).toBe(true);
    expect((await get(ref)).buffer.byteLength).toBeGreaterThan(length * 8);
  });

  test.each(["one", "two"])(
    "arrays are passed to an actor of node %s by reference and by value, and come back",
    async (node) => {
      const actor = on(node);
      const array = new Float64Array(length).fill(0.5);
      expect(await actor.sum.remote(put(array) as ObjectRef<Float64Array>)).toBe(length / 2);
      expect(await actor.sum.remote(array)).toBe(length / 2);
      const ones = await actor.ones.remote(length);
      expect(ones.reduce((a, b) => a + b, 0)).toBe(length);
    },
  );

  test("a result is passed on between nodes without the driver having it", async () => {
    const [one, two] = [on("one"), on("two")];
    expect(await two.sum.remote(one.ones.remote(length))).toBe(length);
    expect(await one.sum.remote(two.ones.remote(length))).toBe(length);
  });

  test("calls keep their order though an argument has to be brought first", async () => {
    const actor = on("two");
    const kept = actor.keep.remote(new Float64Array(length).fill(1));
    expect(await actor.keptSum.remote()).toBe(length);
    expect(await kept).toBe(length);
  });

  test("an actor keeps an array after its owner has given it up", async () => {
    const actor = on("one");
    await actor.keep.remote(new Float64Array(length).fill(1));
    // New objects would be written over the segment if it were thought free.
    for (let i = 0; i < 4; i += 1) await get(put(new Float64Array(length).fill(7)));
    expect(await actor.keptSum.remote()).toBe(length);
  });

  test("large values of a stream arrive in their order", async () => {
    const seen: number[] = [];
    for await (const chunk of on("two").chunks.remote(4, length)) seen.push((chunk as Float64Array)[length - 1] ?? -1);
    expect(seen).toEqual([0, 1, 2, 3]);
  });
});
