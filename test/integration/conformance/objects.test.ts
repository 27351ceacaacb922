import { expect, test } from "vitest";
import { get, kill, type ObjectRef, OwnerDiedError, put, remote } from "../../../runtime/index.ts";
import { failureOf, onEveryRuntime } from "../../fixtures/conformance.ts";
import { Keeper } from "../../fixtures/remote/keeper.ts";
import { gated } from "../../fixtures/remote/tasks.ts";

onEveryRuntime("object references", (place) => {
  test("references at the top level arrive as values, those inside a value as references", async () => {
    const keeper = remote(Keeper).remote();
    expect(await keeper.look.remote(put(1), [put(2)])).toEqual([false, true]);
  });

  test("a reference may be handed on, kept, and read long after", async () => {
    const [one, two] = [remote(Keeper).remote(), remote(Keeper).remote()];
    const [ref] = await one.make.remote("made by one");
    await two.keep.remote([ref]);
    expect(await two.read.remote()).toBe("made by one");
    expect(await ref).toBe("made by one");
    await one.keep.remote([put("made by the driver") as ObjectRef<string>]);
    expect(await one.read.remote()).toBe("made by the driver");
  });

  test("a reference to a result that is not there yet may be handed on", async () => {
    const keeper = remote(Keeper).remote();
    const result = remote(gated).options({ numCpus: 0 }).remote(place.facts.folder, "late");
    await keeper.keep.remote([result]);
    const read = keeper.read.remote();
    place.facts.tell("late go");
    expect(await read).toBe("late");
  });

  test.runIf(place.mode !== "local")(
    "what is stored stays as it is, whatever is done to the original or a copy",
    async () => {
      const original = [1];
      const ref = put(original);
      original.push(2);
      const keeper = remote(Keeper).remote();
      expect(await keeper.mutate.remote(ref)).toEqual([1, 0]);
      expect(await ref).toEqual([1]);
    },
  );

  test("a large value travels as well as a small one", async () => {
    const numbers = Float64Array.from({ length: 100_000 }, (_, i) => i);
    const back = await remote(Keeper).remote().echo.remote(numbers);
    expect(back).toBeInstanceOf(Float64Array);
    expect([back.length, back[99_999]]).toEqual([100_000, 99_999]);
  });
});

onEveryRuntime(
  "the owner's process",
  () => {
    test("its end loses what it owned: OwnerDiedError", async () => {
      const [owner, borrower] = [remote(Keeper).remote(), remote(Keeper).remote()];
      const [[unread], [handed]] = await get([owner.make.remote("one"), owner.make.remote("two")]);
      await borrower.keep.remote([handed]);
      await kill(owner);
      const error = await failureOf(get(unread));
      expect(error).toBeInstanceOf(OwnerDiedError);
      expect(error).toMatchObject({ code: "OWNER_DIED", objectId: unread.id });
      expect(await failureOf(get(borrower.read.remote()))).toMatchObject({ code: "OWNER_DIED" });
    });

    test("a value that was read before stays", async () => {
      const owner = remote(Keeper).remote();
      const [ref] = await owner.make.remote("one");
      expect(await ref).toBe("one");
      await kill(owner);
      expect(await ref).toBe("one");
    });
  },
  { modes: ["cluster"] },
);
