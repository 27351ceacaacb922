import { expectTypeOf, test } from "vitest";
import {
  type ActorHandle,
  get,
  init,
  kill,
  method,
  type ObjectRef,
  type ObjectRefGenerator,
  put,
  remote,
  shutdown,
  wait,
} from "../../../runtime/index.ts";

class Counter {
  readonly start: number;
  constructor(start: number, label?: string) {
    this.start = start + (label?.length ?? 0);
  }
  add(n: number): number {
    return this.start + n;
  }
  async later(text: string, ...rest: boolean[]): Promise<string> {
    return text + rest.length;
  }
  async *stream(): AsyncGenerator<number> {
    yield 1;
  }
  pair(): [number, string] {
    return [1, ""];
  }
}

test("handles, arguments and results have the types of the user's class", async () => {
  await init({ local: true });
  const counter = remote(Counter).options({ numCpus: 0 }).remote(put(1));
  expectTypeOf(counter).toEqualTypeOf<ActorHandle<Counter>>();
  expectTypeOf(counter.add.remote(1)).toEqualTypeOf<ObjectRef<number>>();
  expectTypeOf(counter.later.remote(put("a"), true)).toEqualTypeOf<ObjectRef<string>>();
  expectTypeOf(counter.stream.remote()).toEqualTypeOf<ObjectRefGenerator<number>>();
  expectTypeOf(counter.pair.options({ numReturns: 2 }).remote()).toEqualTypeOf<
    [ObjectRef<number>, ObjectRef<string>]
  >();
  expectTypeOf(await counter.add.remote(1)).toEqualTypeOf<number>();
  expectTypeOf(await get([counter.add.remote(1), put("x")])).toEqualTypeOf<[number, string]>();
  expectTypeOf(await wait([put(1)])).toEqualTypeOf<[ready: ObjectRef<number>[], notReady: ObjectRef<number>[]]>();
  const double = remote((n: number) => n * 2);
  expectTypeOf(double.remote(double.remote(1))).toEqualTypeOf<ObjectRef<number>>();
  expectTypeOf(remote(async () => "x").remote()).toEqualTypeOf<ObjectRef<string>>();
  expectTypeOf(mistakes).returns.toEqualTypeOf<void>();
  await kill(counter);
  await shutdown();
});

/** Compiled, never called: each line is a mistake that the compiler has to find. */
function mistakes(counter: ActorHandle<Counter>): void {
  // @ts-expect-error a text is not a number
  counter.add.remote("1");
  // @ts-expect-error a reference to a text is not one to a number
  counter.add.remote(put("1"));
  // @ts-expect-error an argument is missing
  counter.add.remote();
  // @ts-expect-error there is no such method
  counter.subtract.remote(1);
  // @ts-expect-error a field is not a method
  counter.start.remote();
  // @ts-expect-error a method is called with .remote
  counter.add(1);
  // @ts-expect-error the constructor takes a number
  remote(Counter).remote("1");
  // @ts-expect-error there is no such option
  remote(Counter).options({ cpus: 1 });
  // @ts-expect-error there is no such method
  method(Counter, "subtract", {});
  // @ts-expect-error a reference cannot be put
  put(put(1));
}
