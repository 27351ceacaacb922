import { beforeAll, expect, test } from "vitest";
import * as runtime from "../../../runtime/index.ts";
import { get, RayError, RayTaskError, registerErrorClass, remote, TaskCancelledError } from "../../../runtime/index.ts";
import { inBothModes } from "./both-modes.ts";

class ShopError extends Error {
  readonly code = "OUT_OF_STOCK";
  readonly item: string;
  constructor(item: string) {
    super(`no ${item} left`);
    this.name = "ShopError";
    this.item = item;
  }
}

class Shop {
  buy(item: string): string {
    throw new ShopError(item);
  }
  async lend(other: runtime.ActorHandle<Shop>): Promise<string> {
    return other.buy.remote("pens");
  }
  odd(): void {
    throw "just a text";
  }
}

const caught = (ref: runtime.ObjectRef) =>
  get(ref).then(
    (): Error => expect.fail("the call did not fail"),
    (error: Error) => error,
  );

beforeAll(() => registerErrorClass(ShopError));

inBothModes("exceptions", () => {
  test("what a method throws arrives as its own class and as RayTaskError, with its fields", async () => {
    const error = await caught(remote(Shop).remote().buy.remote("ink"));
    expect(error).toBeInstanceOf(ShopError);
    expect(error).toBeInstanceOf(RayTaskError);
    expect(error).toMatchObject({ name: "ShopError", message: "no ink left", code: "OUT_OF_STOCK", item: "ink" });
    expect((error as RayTaskError).functionName).toBe("Shop.buy");
    expect((error as RayTaskError).actorId).toBeTypeOf("string");
  });

  test("its cause is the error as thrown there, with that side's stack", async () => {
    const error = await caught(remote(Shop).remote().buy.remote("ink"));
    expect(error.cause).toBeInstanceOf(ShopError);
    expect((error.cause as Error).stack).toMatch(/Shop\.buy .*exceptions\.test\.ts/);
    expect(error.stack).toMatch(/in Shop\.buy\.remote\(\)/);
    expect(Object.getPrototypeOf(error).constructor.name).toBe("RayTaskError(ShopError)");
  });

  test("an error that passes through two actors keeps its class and the whole chain", async () => {
    const shop = remote(Shop).remote();
    const error = await caught(remote(Shop).remote().lend.remote(shop));
    expect(error).toBeInstanceOf(ShopError);
    expect((error as RayTaskError).functionName).toBe("Shop.lend");
    expect(((error.cause as Error).cause as Error).message).toBe("no pens left");
  });

  test("the language's own errors keep their class; other errors are not RayTaskErrors of it", async () => {
    const error = await caught(remote(() => (null as unknown as string).length).remote());
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toBeInstanceOf(RayTaskError);
    expect(error).toMatchObject({ code: "TASK_FAILED" });
    expect(new TypeError("mine")).not.toBeInstanceOf(RayTaskError);
    expect(error).not.toBeInstanceOf(TaskCancelledError);
  });

  test("what is thrown and is no error is the cause of a RayTaskError", async () => {
    expect(await caught(remote(Shop).remote().odd.remote())).toMatchObject({
      name: "RayTaskError",
      message: "Shop.odd threw just a text",
      cause: "just a text",
    });
  });

  test("retryExceptions makes a failing call again, for the errors named, as often as allowed", async () => {
    let runs = 0;
    const flaky = () => {
      runs += 1;
      if (runs < 3) throw new ShopError("luck");
      return runs;
    };
    expect(
      await remote(flaky)
        .options({ maxRetries: 2, retryExceptions: [ShopError] })
        .remote(),
    ).toBe(3);
    runs = 0;
    await caught(
      remote(flaky)
        .options({ maxRetries: 2, retryExceptions: [RangeError] })
        .remote(),
    );
    expect(runs).toBe(1);
    runs = 0;
    await caught(remote(flaky).options({ maxRetries: 1, retryExceptions: true }).remote());
    expect(runs).toBe(2);
  });
});

test("every exception of Ray's list is there under its name, each with a code of its own", () => {
  const names = `RayError RayTaskError RayActorError ActorDiedError ActorUnavailableError WorkerCrashedError
    LocalRayletDiedError NodeDiedError OutOfMemoryError ObjectLostError ObjectFetchTimedOutError ObjectFreedError
    OwnerDiedError ReferenceCountingAssertionError ObjectReconstructionFailedError ObjectStoreFullError OutOfDiskError
    GetTimeoutError TaskCancelledError RuntimeEnvSetupError TaskUnschedulableError ActorUnschedulableError
    TaskPlacementGroupRemoved ActorPlacementGroupRemoved PendingCallsLimitExceeded AsyncioActorExit CrossLanguageError
    ActorAlreadyExistsError ActorHandleNotFoundError AuthenticationError RaySystemError`.split(/\s+/);
  const classes = names.map((name) => (runtime as unknown as Record<string, typeof RayError>)[name] as typeof RayError);
  const errors = classes.map((Class) => new Class("m", {}));
  expect(errors.map((error) => error.name)).toEqual(names);
  for (const error of errors) expect(error).toBeInstanceOf(RayError);
  expect(new Set(errors.map(({ code }) => code)).size).toBe(names.length);
});
