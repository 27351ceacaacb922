import { expect, test } from "vitest";
import { cancel, get, InvalidOptionError, put, remote, TaskCancelledError } from "../../../runtime/index.ts";
import { eventually } from "../../fixtures/cluster.ts";
import { failureOf, onEveryRuntime } from "../../fixtures/conformance.ts";
import { Gated } from "../../fixtures/remote/actors.ts";
import { Keeper } from "../../fixtures/remote/keeper.ts";
import { gated, parentOf, pid, spin } from "../../fixtures/remote/tasks.ts";

onEveryRuntime("cancel", (place) => {
  test("a queued call never runs", async () => {
    const { facts } = place;
    const actor = remote(Gated)
      .options({ maxConcurrency: 1, concurrencyGroups: { aside: 1 } })
      .remote();
    const first = actor.work.remote(facts.folder, "first");
    const second = actor.work.remote(facts.folder, "second");
    await facts.until("first begun");
    await cancel(second);
    expect(await failureOf(get(second))).toMatchObject({ code: "TASK_CANCELLED" });
    // What comes after it on the way shows that the cancel has arrived.
    await actor.quick.options({ concurrencyGroup: "aside" }).remote();
    facts.tell("first go");
    await first;
    expect(await actor.quick.remote()).toBe("quick");
    expect(facts.told("second begun")).toEqual([]);
  });

  test("a queued task never runs, and a task that waits for its arguments", async () => {
    const { facts } = place;
    const whole = remote(gated).options({ numCpus: 4 });
    const first = whole.remote(facts.folder, "first");
    await facts.until("first begun");
    const queued = whole.remote(facts.folder, "queued");
    const waits = whole.remote(facts.folder, first);
    await cancel(queued);
    await cancel(waits);
    for (const ref of [queued, waits]) await expect(get(ref)).rejects.toThrow(TaskCancelledError);
    facts.tell("first go");
    expect(await first).toBe("first");
    const last = whole.remote(facts.folder, "last");
    facts.tell("last go");
    expect(await last).toBe("last");
    expect(facts.told("queued begun")).toEqual([]);
  });

  test("a running async method and a running task are told by their signal; their references fail at once", async () => {
    const { facts } = place;
    const actor = remote(Gated).remote();
    const running = [actor.work.remote(facts.folder, "method"), remote(gated).remote(facts.folder, "task")];
    for (const [index, name] of ["method", "task"].entries()) {
      await facts.until(`${name} begun`);
      await cancel(running[index] as (typeof running)[0]);
      expect(await failureOf(get(running[index] as (typeof running)[0]))).toMatchObject({ code: "TASK_CANCELLED" });
      await facts.until(`${name} aborted`);
    }
    expect(await actor.quick.remote()).toBe("quick");
  });

  test("what the cancelled call had called is cancelled with it; not with recursive: false", async () => {
    const { facts } = place;
    const actor = remote(Gated).remote();
    const parents = [actor.parent.remote(facts.folder, "by method"), remote(parentOf).remote(facts.folder, "by task")];
    for (const [index, name] of ["by method", "by task"].entries()) {
      await facts.until(`${name} begun`);
      await cancel(parents[index] as (typeof parents)[0]);
      await facts.until(`${name} aborted`);
    }
    const parent = remote(parentOf).remote(facts.folder, "alone");
    await facts.until("alone begun");
    await cancel(parent, { recursive: false });
    await expect(get(parent)).rejects.toThrow(TaskCancelledError);
    facts.tell("alone go");
    await facts.until("alone done");
    expect(facts.told("alone aborted")).toEqual([]);
  });

  test("a borrowed reference cancels the call of its owner", async () => {
    const { facts } = place;
    const keeper = remote(Keeper).remote();
    const ref = remote(gated).options({ numCpus: 0 }).remote(facts.folder, "borrowed");
    await facts.until("borrowed begun");
    await keeper.keep.remote([ref]);
    await keeper.cancelKept.remote();
    await expect(get(ref)).rejects.toThrow(TaskCancelledError);
    await facts.until("borrowed aborted");
  });

  test("force is refused for an actor's method", async () => {
    const actor = remote(Gated).remote();
    const call = actor.work.remote(place.facts.folder, "stays");
    await expect(cancel(call, { force: true })).rejects.toThrow(InvalidOptionError);
    place.facts.tell("stays go");
    expect(await call).toBe("stays");
  });

  test("a value that is there stays there", async () => {
    const ref = put(1);
    await cancel(ref);
    expect(await ref).toBe(1);
  });
});

onEveryRuntime(
  "cancel of code that holds its process",
  (place) => {
    test("force ends the process of a running task; others run elsewhere", async () => {
      const { facts } = place;
      const spinning = remote(spin).options({ numCpus: 4 }).remote(facts.folder);
      const [process_] = (await facts.until("spin begun")) as readonly string[];
      const behind = remote(pid).options({ numCpus: 4 }).remote();
      await cancel(spinning, { force: true });
      await expect(get(spinning)).rejects.toThrow(TaskCancelledError);
      await eventually(
        () => isGone(Number(process_)),
        (gone) => gone,
      );
      expect(await behind).not.toBe(Number(process_));
      expect(facts.told("spin begun")).toHaveLength(1);
    });

    test("a cancelled task that goes on keeps its process to itself until it ends", async () => {
      const { facts } = place;
      const stubborn = remote(gated).options({ numCpus: 1 });
      const spinning = remote(spin).remote(facts.folder);
      await facts.until("spin begun");
      await cancel(spinning);
      const others = ["a", "b"].map((name) => stubborn.remote(facts.folder, name));
      facts.tell("a go");
      facts.tell("b go");
      expect(await get(others)).toEqual(["a", "b"]);
    });
  },
  { modes: ["cluster"] },
);

function isGone(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return false;
  } catch {
    return true;
  }
}
