import { expect, test } from "vitest";
import { GetTimeoutError, get, ObjectRef, put, remote, wait } from "../../../runtime/index.ts";
import { failureOf, onEveryRuntime } from "../../fixtures/conformance.ts";
import { Keeper } from "../../fixtures/remote/keeper.ts";
import { gated, pair, throws } from "../../fixtures/remote/tasks.ts";

onEveryRuntime("get, wait and put", (place) => {
  const late = (name: string) => remote(gated).options({ numCpus: 0 }).remote(place.facts.folder, name);

  test("get gives one value or several in order, and await ref is get", async () => {
    const refs = [put(1), remote(pair).remote()] as const;
    const [one, two]: [number, [number, string]] = await get(refs);
    expect([one, two, await refs[0]]).toEqual([1, [1, "two"], 1]);
  });

  test("get with a timeout fails with GetTimeoutError; 0 only looks", async () => {
    const ref = late("never");
    expect(await failureOf(get([put(1), ref], { timeoutMs: 0 }))).toMatchObject({ code: "GET_TIMEOUT", timeoutMs: 0 });
    await expect(get(ref, { timeoutMs: 5 })).rejects.toThrow(GetTimeoutError);
    expect(await get(put(1), { timeoutMs: 0 })).toBe(1);
    place.facts.tell("never go");
    expect(await get(ref, { timeoutMs: 15_000 })).toBe("never");
  });

  test("get ends with its signal", async () => {
    const controller = new AbortController();
    const waiting = get(late("never"), { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    place.facts.tell("never go");
  });

  test("a reference cannot be put; one inside a value can", async () => {
    const ref: ObjectRef<number> = put(1);
    expect(() => put(ref as unknown as number)).toThrow(/a reference is one already/);
    const [inside] = await get(put([ref]));
    expect(inside).toBeInstanceOf(ObjectRef);
    expect(await inside).toBe(1);
  });

  test("wait keeps the order given, gives at most numReturns ready ones, and counts a failure as ready", async () => {
    const slow = late("slow");
    const failed = remote(throws).remote();
    const refs: ObjectRef[] = [slow, failed, put(1), put(2)];
    await failureOf(get(failed));
    expect(await wait(refs, { numReturns: 2 })).toEqual([
      [failed, refs[2]],
      [slow, refs[3]],
    ]);
    expect(await wait([slow], { timeoutMs: 5 })).toEqual([[], [slow]]);
    place.facts.tell("slow go");
    expect(await wait(refs, { numReturns: 4 })).toEqual([refs, []]);
  });

  test("wait refuses the same reference twice and a count that cannot be", async () => {
    const ref = put(1);
    await expect(wait([ref, ref])).rejects.toThrow(/all different/);
    await expect(wait([ref], { numReturns: 2 })).rejects.toThrow(/numReturns/);
    expect(await wait([])).toEqual([[], []]);
  });

  test("wait and get work on references that another process owns", async () => {
    const [borrowed] = await remote(Keeper).remote().make.remote("kept there");
    const open = late("open");
    const [ready, notReady] = await wait([open, borrowed] as readonly ObjectRef[], { timeoutMs: 10_000 });
    expect([ready, notReady]).toEqual([[borrowed], [open]]);
    expect(await get(borrowed, { timeoutMs: 10_000 })).toBe("kept there");
    place.facts.tell("open go");
  });
});
