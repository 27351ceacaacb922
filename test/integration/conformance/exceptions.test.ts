import { expect, test } from "vitest";
import { get, getActor, RayError, RayTaskError, registerErrorClass, remote } from "../../../runtime/index.ts";
import { failureOf, onEveryRuntime } from "../../fixtures/conformance.ts";
import { Shop, ShopError } from "../../fixtures/remote/shop.ts";
import { flaky, throws } from "../../fixtures/remote/tasks.ts";

registerErrorClass(ShopError);

onEveryRuntime("exceptions", (place) => {
  test("what a method throws arrives as its own class and as RayTaskError, with its fields", async () => {
    const error = await failureOf(remote(Shop).remote().buy.remote("ink"));
    expect(error).toBeInstanceOf(ShopError);
    expect(error).toBeInstanceOf(RayTaskError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "ShopError", message: "no ink left", code: "OUT_OF_STOCK", item: "ink" });
    expect(error).toMatchObject({ functionName: "Shop.buy" });
    expect(error["actorId"]).toBeTypeOf("string");
  });

  test("its cause is the error as thrown there, with that side's stack", async () => {
    const error = await failureOf(remote(Shop).remote().buy.remote("ink"));
    expect(error.cause).toBeInstanceOf(ShopError);
    expect((error.cause as Error).stack).toMatch(/Shop\.buy .*shop\.ts/);
    expect(error.stack).toMatch(/in Shop\.buy\.remote\(\)/);
  });

  test("an error that passes through two actors keeps its class and the whole chain", async () => {
    const shop = remote(Shop).remote();
    const error = await failureOf(remote(Shop).remote().lend.remote(shop));
    expect(error).toBeInstanceOf(ShopError);
    expect(error).toMatchObject({ functionName: "Shop.lend" });
    expect(((error.cause as Error).cause as Error).message).toBe("no pens left");
  });

  test("a task's error, and one that is no error at all", async () => {
    const error = await failureOf(remote(throws).remote());
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toBeInstanceOf(RayTaskError);
    expect(error).toMatchObject({ code: "TASK_FAILED", functionName: "throws" });
    expect(await failureOf(remote(Shop).remote().odd.remote())).toMatchObject({
      name: "RayTaskError",
      message: "Shop.odd threw just a text",
      cause: "just a text",
    });
  });

  test("an error that the runtime raises there arrives as its own class", async () => {
    const error = await failureOf(remote(Shop).remote().finds.remote("nobody"));
    expect(error).toBeInstanceOf(RayError);
    expect(error).toMatchObject({ code: "ACTOR_NOT_FOUND", actorName: "nobody" });
    expect(await failureOf(getActor("nobody"))).toMatchObject({ code: "ACTOR_NOT_FOUND" });
  });

  test("retryExceptions makes a failing call again, for the classes named, as often as allowed", async () => {
    const { folder } = place.facts;
    const once = remote(flaky).options({ maxRetries: 2, retryExceptions: [RangeError] });
    expect(await once.remote(folder, 2)).toBe(3);
    const other = remote(flaky).options({ maxRetries: 2, retryExceptions: [ShopError] });
    expect(await failureOf(other.remote(folder, 99))).toMatchObject({ message: "run 4" });
    const all = remote(flaky).options({ maxRetries: 1, retryExceptions: true });
    expect(await failureOf(all.remote(folder, 99))).toMatchObject({ message: "run 6" });
    expect(await failureOf(remote(flaky).remote(folder, 99))).toMatchObject({ message: "run 7" });
  });

  test("a class of errors that is only named in retryExceptions is known by that", async () => {
    const { Rare } = await import("../../fixtures/remote/shop.ts");
    const shop = remote(Shop)
      .options({ maxTaskRetries: 1, retryExceptions: [Rare] })
      .remote();
    await expect(get(shop.rarely.remote(place.facts.folder))).resolves.toBe(2);
  });
});
