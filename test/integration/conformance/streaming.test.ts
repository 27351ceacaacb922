import { expect, test } from "vitest";
import { get, ObjectRef, remote } from "../../../runtime/index.ts";
import { failureOf, onEveryRuntime } from "../../fixtures/conformance.ts";
import { Streams } from "../../fixtures/remote/actors.ts";
import { countUp } from "../../fixtures/remote/tasks.ts";

onEveryRuntime("streaming generators", (place) => {
  test("a generator's method gives one reference for each value, in order", async () => {
    const stream = remote(Streams).remote().count.remote(3);
    const first = await stream.next();
    expect(first.value).toBeInstanceOf(ObjectRef);
    expect(await first.value).toBe(0);
    const rest: number[] = [];
    for await (const value of stream) rest.push(value);
    expect(rest).toEqual([1, 2]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("a task may be a generator; a method that gives a list may be streamed", async () => {
    const values: number[] = [];
    for await (const value of remote(countUp).remote(3)) values.push(value);
    const list = remote(Streams).remote().list.options({ numReturns: "streaming" });
    for await (const value of list.remote()) values.push(value as number);
    expect(values).toEqual([0, 1, 2, 1, 2, 3]);
  });

  test("an error of the generator is its last reference; for await throws it", async () => {
    const actor = remote(Streams).remote();
    const seen: unknown[] = [];
    const stream = actor.failAt.remote(2);
    for (let step = await stream.next(); !step.done; step = await stream.next()) {
      seen.push(await get(step.value).catch((error: Error) => error.message));
    }
    expect(seen).toEqual([0, 1, "too far"]);
    const error = await failureOf(
      (async () => {
        for await (const _ of actor.failAt.remote(1));
      })(),
    );
    expect(error).toBeInstanceOf(RangeError);
  });

  test("with backpressure the generator makes no more than so many values ahead of its taker", async () => {
    const actor = remote(Streams).remote();
    const stream = actor.told.options({ generatorBackpressureNumObjects: 3 }).remote(place.facts.folder);
    await place.facts.until("made", { times: 3 });
    // A call that comes after shows that the generator had its turn and made no more.
    await actor.list.remote();
    expect(place.facts.told("made")).toHaveLength(3);
    expect(await (await stream.next()).value).toBe(0);
    await place.facts.until("made", { times: 4 });
    await actor.list.remote();
    expect(place.facts.told("made")).toHaveLength(4);
    await stream.return();
    await place.facts.until("closed");
  });

  test("leaving the loop early closes the generator where it runs", async () => {
    const stream = remote(Streams).remote().told.options({ generatorBackpressureNumObjects: 2 });
    for await (const value of stream.remote(place.facts.folder)) if (value === 2) break;
    await place.facts.until("closed");
    expect(place.facts.told("made").length).toBeLessThanOrEqual(5);
  });
});
