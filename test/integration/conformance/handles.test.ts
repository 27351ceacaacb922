import { expect, test } from "vitest";
import {
  ActorAlreadyExistsError,
  type ActorHandle,
  availableResources,
  get,
  getActor,
  getRuntimeContext,
  kill,
  placementGroupTable,
  remote,
  shutdown,
} from "../../../runtime/index.ts";
import { eventually } from "../../fixtures/cluster.ts";
import { actorIn, actorsOf, failureOf, onEveryRuntime } from "../../fixtures/conformance.ts";
import { Gated, Log, Submitter } from "../../fixtures/remote/actors.ts";
import { birth, Mortal, Parent } from "../../fixtures/remote/mortals.ts";

onEveryRuntime("handles and names", (place) => {
  test("a handle may be an argument, a part of one, and a result", async () => {
    const log = remote(Log).remote();
    const submitter = remote(Submitter).remote();
    await submitter.write.remote(log, ["through a handle"]);
    const [back] = await submitter.hand.remote([log]);
    await (back as ActorHandle<Log>).write.remote("through its own");
    expect(await log.lines.remote()).toEqual(["through a handle", "through its own"]);
  });

  test("an actor is found by its name within its namespace only", async () => {
    const actor = remote(Mortal).options({ name: "hits", namespace: "shop" }).remote();
    await actor.add.remote(1);
    const found: ActorHandle<Mortal> = await getActor<Mortal>("hits", "shop");
    expect(await found.add.remote(1)).toBe(2);
    expect(await failureOf(getActor("hits"))).toMatchObject({ code: "ACTOR_NOT_FOUND", actorName: "hits" });
  });

  test("a name that is taken: the second actor's calls fail, or with getIfExists it is the first", async () => {
    const first = remote(Mortal).options({ name: "hits" }).remote();
    await first.add.remote(1);
    const second = remote(Mortal).options({ name: "hits" }).remote();
    await expect(get(second.__ray_ready__.remote())).rejects.toThrow(ActorAlreadyExistsError);
    const same = remote(Mortal).options({ name: "hits", getIfExists: true }).remote();
    expect(await same.add.remote(1)).toBe(2);
    await same[Symbol.asyncDispose]();
    expect(await first.add.remote(1)).toBe(3);
  });

  test("getIfExists makes the actor where there is none, also from two sides at once", async () => {
    const make = () => remote(Mortal).options({ name: "one", getIfExists: true }).remote();
    const [a, b] = [make(), make()];
    expect(await a.pid.remote()).toBe(await b.pid.remote());
    expect((await get([a.add.remote(1), b.add.remote(1)])).sort()).toEqual([1, 2]);
  });

  test("the last handle given up ends the actor once its calls are answered; another handle keeps it", async () => {
    const actor = remote(Gated).options({ name: "kept" }).remote();
    const other = await getActor<Gated>("kept");
    await actor[Symbol.asyncDispose]();
    await actor[Symbol.asyncDispose]();
    expect(await other.quick.remote()).toBe("quick");
    const last = other.work.remote(place.facts.folder, "last");
    const ended = other[Symbol.asyncDispose]();
    await place.facts.until("last begun");
    expect((await actorsOf("kept"))[0]?.state).toBe("ALIVE");
    place.facts.tell("last go");
    expect(await last).toBe("last");
    await ended;
    expect(await actorIn("DEAD", "kept")).toMatchObject({ deathCause: { reason: "OUT_OF_SCOPE" } });
  });

  test("the running code knows its actor, task, job and namespace; the driver has none of the first two", async () => {
    const driver = getRuntimeContext();
    expect([driver.getActorId(), driver.getTaskId(), driver.namespace]).toEqual([
      undefined,
      undefined,
      place.namespace,
    ]);
    const actor = remote(Gated).options({ name: "me" }).remote();
    const inside = await actor.context.remote();
    const [row] = await actorsOf("me");
    const { namespace } = place;
    expect(inside).toMatchObject({ actorId: row?.actorId, actorName: "me", jobId: driver.getJobId(), namespace });
    expect(inside.taskId).toMatch(/./);
  });
});

onEveryRuntime("detached actors", () => {
  test("a detached actor outlives its handles", async () => {
    const actor = remote(Mortal).options({ name: "stays", lifetime: "detached" }).remote();
    await actor.add.remote(1);
    await actor[Symbol.asyncDispose]();
    const again = await getActor<Mortal>("stays");
    expect(await again.add.remote(1)).toBe(2);
    await kill(again);
  });
});

onEveryRuntime(
  "drivers that come and go",
  (place) => {
    test("a detached actor outlives its driver and is found by the next one of the same namespace", async () => {
      const actor = remote(Mortal).options({ name: "stays", lifetime: "detached" }).remote();
      expect(await actor.add.remote(1)).toBe(1);
      await shutdown();
      await place.cluster.connect("elsewhere");
      await expect(getActor("stays")).rejects.toMatchObject({ code: "ACTOR_NOT_FOUND" });
      await shutdown();
      await place.cluster.connect(place.namespace);
      const again = await getActor<Mortal>("stays");
      expect(await again.add.remote(1)).toBe(2);
      await kill(again);
      await expect(getActor("stays")).rejects.toMatchObject({ code: "ACTOR_NOT_FOUND" });
    });

    test("other actors end with their driver", async () => {
      const actor = remote(Mortal).options({ name: "goes" }).remote();
      const pid = await actor.pid.remote();
      await shutdown();
      await place.cluster.connect(place.namespace);
      await expect(getActor("goes")).rejects.toMatchObject({ code: "ACTOR_NOT_FOUND" });
      expect(() => process.kill(pid, 0)).toThrow();
    });

    test("what a detached actor has made outlives the driver with it, and ends with it", async () => {
      const [child, detached] = [`child-${place.namespace}`, `detached-${place.namespace}`];
      const parent = remote(Parent).options({ name: "parent", lifetime: "detached" }).remote();
      await parent.spawn.remote(child, detached);
      await parent.reserve.remote();
      await shutdown();
      await place.cluster.connect(place.namespace);
      expect(await (await getActor<Mortal>(child)).add.remote(1)).toBe(1);
      const stateOfGroup = async () => {
        const rows = await placementGroupTable();
        return rows.find(({ name }) => name === "of a parent")?.state;
      };
      expect(await stateOfGroup()).toBe("CREATED");
      await kill(await getActor<Parent>("parent"));
      await eventually(
        () => failureOf(getActor(child)).catch(() => undefined),
        (error) => error?.["code"] === "ACTOR_NOT_FOUND",
      );
      await eventually(stateOfGroup, (state) => state === "REMOVED");
      await kill(await getActor<Mortal>(detached));
    });

    test("an actor that a task has made lives on when the task's process does not", async () => {
      const [child] = await remote(birth)
        .options({ runtimeEnv: { envVars: { OWN: "process" } } })
        .remote("of a task");
      await eventually(availableResources, ({ CPU }) => CPU === 4);
      expect(await child.add.remote(1)).toBe(2);
      await shutdown();
      await place.cluster.connect(place.namespace);
      await expect(getActor("of a task")).rejects.toMatchObject({ code: "ACTOR_NOT_FOUND" });
    });

    test("namespaces of two drivers at once are apart, unless named", async () => {
      await remote(Mortal).options({ name: "both", lifetime: "detached" }).remote().pid.remote();
      await shutdown();
      await place.cluster.connect("second");
      await remote(Mortal).options({ name: "both" }).remote(5).pid.remote();
      expect(await (await getActor<Mortal>("both")).start.remote()).toBe(5);
      const first = await getActor<Mortal>("both", place.namespace);
      expect(await first.start.remote()).toBe(0);
      await kill(first);
    });
  },
  { modes: ["cluster"] },
);
