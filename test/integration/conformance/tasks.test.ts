import { expect, test } from "vitest";
import { get, getRuntimeContext, put, remote } from "../../../runtime/index.ts";
import { onEveryRuntime } from "../../fixtures/conformance.ts";
import { add, fibonacci } from "../../fixtures/remote/counter.ts";
import { context, gated, pair } from "../../fixtures/remote/tasks.ts";

onEveryRuntime("tasks", (place) => {
  test("a task runs a function, waits for its arguments and gives its result", async () => {
    expect(await remote(add).remote(1, remote(add).remote(2, put(3)))).toBe(6);
  });

  test("numReturns gives one reference for each element of the result", async () => {
    const [one, two] = remote(pair).options({ numReturns: 2 }).remote();
    expect([await one, await two]).toEqual([1, "two"]);
    const wrong = remote(pair).options({ numReturns: 3 }).remote() as unknown as PromiseLike<unknown>[];
    await expect(Promise.resolve(wrong[0])).rejects.toThrow(/an array of 3 values/);
  });

  test("tasks run beside each other", async () => {
    const { facts } = place;
    const refs = ["a", "b"].map((name) => remote(gated).remote(facts.folder, name));
    await facts.until("a begun");
    await facts.until("b begun");
    facts.tell("b go");
    facts.tell("a go");
    expect(await get(refs)).toEqual(["a", "b"]);
  });

  test("a task may wait for tasks of its own", async () => {
    expect(await remote(fibonacci).remote(4)).toBe(3);
  });

  test("the running task knows itself, its job and its namespace", async () => {
    const { namespace } = place;
    const jobId = getRuntimeContext().getJobId();
    const seen = await remote(context).remote();
    expect(seen).toMatchObject({ jobId, namespace });
    expect([seen.actorId ?? null, seen.actorName ?? null]).toEqual([null, null]);
    expect(seen.taskId).toMatch(/./);
  });
});
