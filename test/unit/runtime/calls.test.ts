import { expect, test } from "vitest";
import {
  getRuntimeContext,
  init,
  isInitialized,
  put,
  RaySystemError,
  remote,
  SerializationError,
  shutdown,
} from "../../../runtime/index.ts";
import { inBothModes } from "./both-modes.ts";

class Counter {
  count: number;
  constructor(start = 0) {
    this.count = start;
  }
  add(n: number): number {
    this.count += n;
    return this.count;
  }
  async addLater(n: number): Promise<number> {
    return this.add(n);
  }
  sum(numbers: readonly number[]): number {
    return numbers.reduce((a, b) => a + b, 0);
  }
  nothing(): void {}
  pair(): [number, string] {
    return [1, "two"];
  }
}

inBothModes("calls of actors and tasks", () => {
  test("an actor keeps its state between calls", async () => {
    const counter = remote(Counter).remote(5);
    expect(await counter.add.remote(1)).toBe(6);
    expect(await counter.add.remote(2)).toBe(8);
    expect(await counter.addLater.remote(2)).toBe(10);
  });

  test("a method without a result gives undefined", async () => {
    expect(await remote(Counter).remote().nothing.remote()).toBeUndefined();
  });

  test("an argument may be a reference, to a put value or to another call's result", async () => {
    const counter = remote(Counter).remote(put(10));
    expect(await counter.add.remote(counter.add.remote(put(1)))).toBe(22);
  });

  test("a task runs a function, waits for its arguments and gives its result", async () => {
    const add = remote((a: number, b: number) => a + b);
    expect(await add.remote(1, add.remote(2, put(3)))).toBe(6);
  });

  test("numReturns gives one reference for each element of the result", async () => {
    const counter = remote(Counter).remote();
    const [one, two] = counter.pair.options({ numReturns: 2 }).remote();
    expect([await one, await two]).toEqual([1, "two"]);
  });

  test("nothing of a call runs before the caller goes on", async () => {
    let ran = false;
    const ref = remote(() => {
      ran = true;
    }).remote();
    expect(ran).toBe(false);
    await ref;
    expect(ran).toBe(true);
  });

  test("the running code knows its actor, task, namespace and job; the driver has none of the first two", async () => {
    const who = () => {
      const context = getRuntimeContext();
      return [
        context.getActorId() !== undefined,
        context.getTaskId() !== undefined,
        context.getJobId(),
        context.namespace,
      ];
    };
    class Who {
      async ask() {
        await null;
        return who();
      }
    }
    const context = getRuntimeContext();
    const ends = [context.getJobId(), context.namespace];
    expect(who()).toEqual([false, false, ...ends]);
    expect(await remote(who).remote()).toEqual([false, true, ...ends]);
    expect(await remote(Who).remote().ask.remote()).toEqual([true, true, ...ends]);
  });

  test("a method that is a symbol or a field is not on the handle", () => {
    const counter: object = remote(Counter).remote();
    expect("count" in counter).toBe(false);
    expect("add" in counter).toBe(true);
  });
});

test("wire mode copies arguments and results, the plain mode hands them over", async () => {
  class Box {
    kept: { n: number } | undefined;
    keep(value: { n: number }) {
      this.kept = value;
      return value;
    }
    n() {
      return this.kept?.n;
    }
  }
  for (const wire of [false, true]) {
    await init({ local: true, wire });
    const box = remote(Box).remote();
    const value = { n: 1 };
    const back = await box.keep.remote(value);
    value.n = 2;
    expect(back === value).toBe(!wire);
    expect(await box.n.remote()).toBe(wire ? 1 : 2);
    await shutdown();
  }
});

test("in wire mode an argument that cannot leave its process is refused where the call is made, with its path", async () => {
  await init({ local: true, wire: true });
  const echo = remote((value: unknown) => value);
  expect(() => echo.remote({ list: [1, { onDone: () => {} }] })).toThrow(SerializationError);
  expect(() => echo.remote({ list: [1, { onDone: () => {} }] })).toThrow(
    /argument 0 of .*\.list\[1\]\.onDone: the function onDone/,
  );
  await expect(Promise.resolve(remote(() => new Map([[1, 2]])).remote())).rejects.toThrow(
    /the result of .*: a Map cannot leave/,
  );
  await shutdown();
});

test("before init every use says to call it; init twice is refused; shutdown may be called twice", async () => {
  expect(() => put(1)).toThrow(RaySystemError);
  await init({ local: true });
  await expect(init({ local: true })).rejects.toThrow(RaySystemError);
  expect(isInitialized()).toBe(true);
  await shutdown();
  await shutdown();
  expect(isInitialized()).toBe(false);
});
