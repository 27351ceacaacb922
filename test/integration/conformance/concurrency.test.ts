import { expect, test } from "vitest";
import { get, remote } from "../../../runtime/index.ts";
import { onEveryRuntime } from "../../fixtures/conformance.ts";
import { Gated, Grouped, Steps } from "../../fixtures/remote/lanes.ts";

onEveryRuntime("async actors and concurrency groups", (place) => {
  test("an async actor runs up to 1000 calls at once", async () => {
    const actor = remote(Gated).remote();
    await get(Array.from({ length: 1200 }, () => actor.meet.remote(1000)));
    expect(await actor.most.remote()).toBe(1000);
  });

  test("maxConcurrency bounds it", async () => {
    const actor = remote(Gated).options({ maxConcurrency: 3 }).remote();
    await get(Array.from({ length: 20 }, () => actor.meet.remote(3)));
    expect(await actor.most.remote()).toBe(3);
  });

  test("a concurrency group has a limit of its own and is not held up by the others", async () => {
    const actor = remote(Grouped)
      .options({ maxConcurrency: 1, concurrencyGroups: { io: 2 } })
      .remote();
    const { folder } = place.facts;
    const slow = [actor.work.remote(folder, "one"), actor.work.remote(folder, "two")];
    await place.facts.until("one begun");
    expect(await actor.quick.remote()).toBe("quick");
    await get([1, 2, 3].map(() => actor.meet.options({ concurrencyGroup: "io" }).remote(2)));
    expect(place.facts.told("two begun")).toEqual([]);
    place.facts.tell("one go");
    place.facts.tell("two go");
    expect(await get(slow)).toEqual(["one", "two"]);
    expect(() => actor.quick.options({ concurrencyGroup: "gpu" }).remote()).toThrow(/concurrencyGroups \(io\)/);
  });

  test("a method's group is one of its actor's", () => {
    expect(() => remote(Grouped).options({ concurrencyGroups: { gpu: 1 } })).toThrow(
      /concurrencyGroup of Grouped.quick/,
    );
  });

  test("a sync class runs one call at a time, also where a method gives a promise", async () => {
    const actor = remote(Steps).remote();
    expect(await get(Array.from({ length: 10 }, () => actor.step.remote()))).toEqual(Array(10).fill(1));
  });
});
