import { expect, test } from "vitest";
import {
  cancel,
  GetTimeoutError,
  get,
  getRuntimeContext,
  ObjectRef,
  put,
  remote,
  TaskCancelledError,
  wait,
} from "../../../runtime/index.ts";
import { deferred, inBothModes } from "./both-modes.ts";

const never = () => new Promise<number>(() => {});

inBothModes("get, put, wait", () => {
  test("get gives one value or several in order, and await ref is get", async () => {
    const refs = [put(1), put("two")] as const;
    const [one, two]: [number, string] = await get(refs);
    expect([one, two, await refs[0]]).toEqual([1, "two", 1]);
  });

  test("get with a timeout fails with GetTimeoutError, 0 only looks", async () => {
    const ref = remote(never).remote();
    await expect(get([put(1), ref], { timeoutMs: 0 })).rejects.toMatchObject({ code: "GET_TIMEOUT", timeoutMs: 0 });
    await expect(get(ref, { timeoutMs: 1 })).rejects.toThrow(GetTimeoutError);
    expect(await get(put(1), { timeoutMs: 1000 })).toBe(1);
  });

  test("get ends with its signal", async () => {
    const controller = new AbortController();
    const waiting = get(remote(never).remote(), { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });

  test("a reference cannot be put", () => {
    const ref: ObjectRef = put(1);
    expect(() => put(ref as unknown as number)).toThrow(/a reference is one already/);
  });

  test("wait keeps the order given, gives at most numReturns ready ones, and counts a failure as ready", async () => {
    const gate = deferred<number>();
    const slow = remote(() => gate.promise).remote();
    const failed = remote(() => {
      throw new Error("no");
    }).remote();
    const refs: ObjectRef[] = [slow, failed, put(1), put(2)];
    await get(failed).catch(() => {});
    expect(await wait(refs, { numReturns: 2 })).toEqual([
      [failed, refs[2]],
      [slow, refs[3]],
    ]);
    expect(await wait([slow], { timeoutMs: 0 })).toEqual([[], [slow]]);
    gate.resolve(1);
    expect(await wait(refs, { numReturns: 4 })).toEqual([refs, []]);
  });

  test("wait refuses the same reference twice and a count that cannot be", async () => {
    const ref = put(1);
    await expect(wait([ref, ref])).rejects.toThrow(/all different/);
    await expect(wait([ref], { numReturns: 2 })).rejects.toThrow(/numReturns/);
    expect(await wait([])).toEqual([[], []]);
  });
});

inBothModes("cancel", () => {
  test("a queued call never runs", async () => {
    const gate = deferred();
    let ran = 0;
    class Busy {
      async work() {
        ran += 1;
        await gate.promise;
      }
    }
    const actor = remote(Busy).options({ maxConcurrency: 1 }).remote();
    const first = actor.work.remote();
    const second = actor.work.remote();
    await cancel(second);
    await expect(get(second)).rejects.toThrow(TaskCancelledError);
    gate.resolve();
    await first;
    await actor.__ray_ready__.remote();
    expect(ran).toBe(1);
  });

  test("a running async method has its signal aborted; its reference fails at once", async () => {
    const entered = deferred();
    const told = deferred<string>();
    class Listens {
      async work() {
        getRuntimeContext().signal.addEventListener("abort", () => told.resolve("told"));
        entered.resolve();
        await told.promise;
      }
    }
    const ref = remote(Listens).remote().work.remote();
    await entered.promise;
    await cancel(ref);
    await expect(get(ref)).rejects.toMatchObject({ code: "TASK_CANCELLED" });
    expect(await told.promise).toBe("told");
  });

  test("what the cancelled call had called is cancelled with it", async () => {
    const entered = deferred();
    const inner = deferred<string>();
    const child = () => {
      getRuntimeContext().signal.addEventListener("abort", () => inner.resolve("child told"));
      entered.resolve();
      return never();
    };
    const ref = remote(async () => get(remote(child).remote())).remote();
    await entered.promise;
    await cancel(ref);
    expect(await inner.promise).toBe("child told");
  });

  test("a value that is there stays there", async () => {
    const ref = put(1);
    await cancel(ref);
    expect(await ref).toBe(1);
  });
});

inBothModes("streaming", () => {
  class Streams {
    *count(to: number) {
      for (let i = 0; i < to; i += 1) yield i;
    }
    async *countLater(to: number) {
      for (let i = 0; i < to; i += 1) yield i;
      if (to > 2) throw new RangeError("too far");
    }
  }

  test("a generator's method gives one reference for each value", async () => {
    const stream = remote(Streams).remote().count.remote(3);
    const first = await stream.next();
    expect(first.value).toBeInstanceOf(ObjectRef);
    expect(await first.value).toBe(0);
    const rest: number[] = [];
    for await (const value of stream) rest.push(value);
    expect(rest).toEqual([1, 2]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("an error of the generator is its last reference; for await throws it", async () => {
    const actor = remote(Streams).remote();
    const seen: unknown[] = [];
    const stream = actor.countLater.remote(3);
    for (let step = await stream.next(); !step.done; step = await stream.next()) {
      seen.push(await get(step.value).catch((error: Error) => error.message));
    }
    expect(seen).toEqual([0, 1, 2, "too far"]);
    const values: number[] = [];
    const reading = (async () => {
      for await (const value of actor.countLater.remote(3)) values.push(value);
    })();
    await expect(reading).rejects.toThrow(RangeError);
    expect(values).toEqual([0, 1, 2]);
  });

  test("with backpressure it pauses until its values are taken", async () => {
    let made = 0;
    const paused = deferred();
    async function* make() {
      for (;;) {
        made += 1;
        if (made === 3) paused.resolve();
        yield made;
      }
    }
    const stream = remote(make).options({ generatorBackpressureNumObjects: 2 }).remote();
    const first = await stream.next();
    await paused.promise;
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(made).toBe(3);
    expect(await first.value).toBe(1);
    await stream.return();
  });

  test("leaving the loop early ends the generator", async () => {
    const ended = deferred<string>();
    async function* forever() {
      try {
        for (;;) yield await Promise.resolve(1);
      } finally {
        ended.resolve("ended");
      }
    }
    for await (const value of remote(forever).options({ generatorBackpressureNumObjects: 1 }).remote()) {
      expect(value).toBe(1);
      break;
    }
    expect(await ended.promise).toBe("ended");
  });
});
