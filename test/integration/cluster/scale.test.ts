import { expect, test } from "vitest";
import { scale } from "../../bench/scale/scale.ts";

test("a head with simulated nodes places actors, is killed, and knows them all again: the benchmark, small", async () => {
  const rows = await scale({ nodes: "20", actors: "100", seconds: "0.1" });
  expect(rows.map(({ unit }) => unit)).toEqual(["MB", "per s", "ms", "ms", "% of a core", "s"]);
  // The benchmark itself fails where an actor is lost or made twice, or a node does not come back.
  for (const { ours, name } of rows) {
    if (!name.includes("idle")) expect(ours, name).toBeGreaterThan(0);
  }
});
