import { expect, test } from "vitest";
import {
  ActorDiedError,
  ActorHandleNotFoundError,
  cancel,
  get,
  getActor,
  kill,
  PendingCallsLimitExceeded,
  pendingReasons,
  remote,
  shutdown,
} from "../../../runtime/index.ts";
import { eventually } from "../../fixtures/cluster.ts";
import { actorIn, actorsOf, failureOf, onEveryRuntime } from "../../fixtures/conformance.ts";
import { Gated } from "../../fixtures/remote/actors.ts";
import { Broken, Mortal, Parent, Tidy } from "../../fixtures/remote/mortals.ts";
import { gated, throws } from "../../fixtures/remote/tasks.ts";

onEveryRuntime("lifecycle states", (place) => {
  test("DEPENDENCIES_UNREADY, PENDING_CREATION with its reason, ALIVE, DEAD with its cause", async () => {
    const holder = remote(Gated).options({ numCpus: 4 }).remote();
    await holder.quick.remote();
    const start = remote(gated).options({ numCpus: 0 }).remote(place.facts.folder, "start");
    const actor = remote(Mortal)
      .options({ numCpus: 1 })
      .remote(start as never);
    expect((await actorIn("DEPENDENCIES_UNREADY", "Mortal")).pid).toBeNull();
    place.facts.tell("start go");
    await actorIn("PENDING_CREATION", "Mortal");
    const waiting = await eventually(pendingReasons, (all) => all.some(({ name }) => name === "Mortal"));
    expect(waiting.find(({ name }) => name === "Mortal")?.reasons[0]).toMatch(/CPU: 1 asked for, 0 of 4 free/);
    expect((await actorsOf("Mortal"))[0]?.pendingReason).toMatch(/0 of 4 free/);
    await kill(holder);
    expect(await actor.__ray_ready__.remote()).toBe(true);
    const row = await actorIn("ALIVE", "Mortal");
    expect(row.pid).toBe(await actor.pid.remote());
    await kill(actor);
    expect(await actorIn("DEAD", "Mortal")).toMatchObject({ deathCause: { reason: "KILLED" }, pid: null });
  });

  test("a constructor that throws: ActorDiedError with what it threw as cause", async () => {
    const error = await failureOf(get(remote(Broken).remote().go.remote()));
    expect(error).toBeInstanceOf(ActorDiedError);
    expect(error).toMatchObject({ code: "ACTOR_DIED", className: "Broken", cause: { message: "out of wool" } });
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(await actorIn("DEAD", "Broken")).toMatchObject({ deathCause: { reason: "CREATION_FAILED" } });
  });

  test("a failed argument of the constructor: ActorDiedError with the argument's error as cause", async () => {
    const bad = remote(throws).remote();
    const error = await failureOf(get(remote(Mortal).remote(bad).pid.remote()));
    expect(error).toBeInstanceOf(ActorDiedError);
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(await actorIn("DEAD", "Mortal")).toMatchObject({ deathCause: { reason: "CREATION_FAILED" } });
  });

  test("the actor's row has Ray's columns, and the calls that wait for it", async () => {
    const actor = remote(Gated).options({ name: "row", namespace: "shop", numCpus: 2 }).remote();
    const call = actor.work.remote(place.facts.folder, "one");
    await place.facts.until("one begun");
    expect(await actorsOf("row")).toEqual([
      expect.objectContaining({
        className: "Gated",
        state: "ALIVE",
        name: "row",
        rayNamespace: "shop",
        pid: await actor.pid.remote(),
        requiredResources: { CPU: 2 },
        isDetached: false,
        numRestarts: 0,
        deathCause: null,
        placementGroupId: null,
        labelSelector: {},
        reprName: "Gated(row)",
        callSite: expect.stringContaining("lifecycle.test.ts"),
        pendingCalls: 1,
        pendingReason: null,
      }),
    ]);
    await cancel(call);
  });
});

onEveryRuntime("the end of an actor", (place) => {
  test("a killed actor fails what is queued and what comes later, runs no clean-up, and frees its name", async () => {
    const actor = remote(Tidy).options({ name: "one", maxConcurrency: 1 }).remote(place.facts.folder);
    const running = failureOf(actor.hold.remote("running"));
    await place.facts.until("running begun");
    const queued = failureOf(actor.pid.remote());
    await kill(actor);
    for (const error of [await running, await queued]) expect(error).toBeInstanceOf(ActorDiedError);
    await expect(get(actor.pid.remote())).rejects.toThrow(/Actor Tidy "one" is dead: it was killed/);
    await expect(getActor("one")).rejects.toThrow(ActorHandleNotFoundError);
    expect(place.facts.told("ends")).not.toContain("disposed");
    expect(place.facts.told("process exit")).toEqual([]);
  });

  test("an actor that ends by itself disposes of itself, and its signal is aborted", async () => {
    const actor = remote(Tidy).remote(place.facts.folder);
    await actor.pid.remote();
    await actor[Symbol.asyncDispose]();
    expect(place.facts.told("ends")).toEqual(["disposed", "aborted"]);
    expect(await actorIn("DEAD", "Tidy")).toMatchObject({ deathCause: { reason: "OUT_OF_SCOPE" } });
  });

  test("exitActor ends the actor for good, whatever maxRestarts says", async () => {
    const actor = remote(Mortal).options({ maxRestarts: -1 }).remote();
    await expect(get(actor.leave.remote())).rejects.toThrow(ActorDiedError);
    expect(await actorIn("DEAD", "Mortal")).toMatchObject({ deathCause: { reason: "EXITED" } });
    await expect(get(actor.pid.remote())).rejects.toThrow(ActorDiedError);
  });

  test("__ray_terminate__ lets the calls before it finish, and the actor dispose of itself", async () => {
    const actor = remote(Tidy).remote(place.facts.folder);
    const results = [actor.pid.remote(), actor.pid.remote()];
    actor.__ray_terminate__.remote();
    expect(await get(results)).toHaveLength(2);
    expect(await actorIn("DEAD", "Tidy")).toMatchObject({ deathCause: { reason: "EXITED" } });
    expect(place.facts.told("ends")).toContain("disposed");
  });

  test("an actor ends with the actor that made it, a detached one does not", async () => {
    const [child, detached] = [`child-${place.namespace}`, `detached-${place.namespace}`];
    const parent = remote(Parent).remote();
    await parent.spawn.remote(child, detached);
    await kill(parent);
    expect(await actorIn("DEAD", child)).toMatchObject({ deathCause: { reason: "OWNER_DIED" } });
    const stays = await getActor<Mortal>(detached);
    expect(await stays.add.remote(1)).toBe(1);
    await kill(stays);
  });

  test("more unanswered calls than maxPendingCalls are refused where they are made", async () => {
    const actor = remote(Gated).options({ maxPendingCalls: 2 }).remote();
    const { folder } = place.facts;
    const calls = [actor.work.remote(folder, "a"), actor.work.remote(folder, "b")];
    expect(() => actor.work.remote(folder, "c")).toThrow(PendingCallsLimitExceeded);
    place.facts.tell("a go");
    place.facts.tell("b go");
    expect(await get(calls)).toEqual(["a", "b"]);
    expect(await actor.quick.remote()).toBe("quick");
  });

  test("shutdown ends the driver's actors", async () => {
    const actor = remote(Tidy).remote(place.facts.folder);
    const pid = await actor.pid.remote();
    await shutdown();
    await eventually(
      () => pid === process.pid || isGone(pid),
      (gone) => gone,
    );
    await expect(get(actor.pid.remote())).rejects.toThrow(/shut down|dead/);
  });
});

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
