import { expect, test } from "vitest";
import {
  ActorDiedError,
  ActorHandleNotFoundError,
  ActorUnavailableError,
  exitActor,
  get,
  getActor,
  getRuntimeContext,
  init,
  kill,
  listActors,
  PendingCallsLimitExceeded,
  remote,
  shutdown,
} from "../../../runtime/index.ts";
import { deferred, inBothModes, until } from "./both-modes.ts";

class Counter {
  n = 0;
  add(by: number): number {
    this.n += by;
    return this.n;
  }
}

async function stateOf(className: string): Promise<string | undefined> {
  return (await listActors()).find((actor) => actor.className === className)?.state;
}

inBothModes("lifecycle states", () => {
  test("DEPENDENCIES_UNREADY, PENDING_CREATION, ALIVE, DEAD with its cause", async () => {
    class Needy {
      readonly value: string;
      constructor(value: string) {
        this.value = value;
      }
    }
    const gate = deferred<string>();
    const holder = remote(Counter).options({ numCpus: 4 }).remote();
    await holder.add.remote(1);
    const argument = remote(() => gate.promise)
      .options({ numCpus: 0 })
      .remote();
    const actor = remote(Needy).options({ numCpus: 1 }).remote(argument);
    expect(await stateOf("Needy")).toBe("DEPENDENCIES_UNREADY");
    gate.resolve("here");
    await argument;
    await until(async () => (await stateOf("Needy")) === "PENDING_CREATION");
    expect((await listActors()).find((one) => one.className === "Needy")?.pendingReason).toMatch(
      /CPU: 1 asked for, 0 of 4 free/,
    );
    await kill(holder);
    expect(await actor.__ray_ready__.remote()).toBe(true);
    expect(await stateOf("Needy")).toBe("ALIVE");
    await kill(actor);
    expect((await listActors()).find((one) => one.className === "Needy")).toMatchObject({
      state: "DEAD",
      deathCause: { reason: "KILLED" },
    });
  });

  test("a constructor that throws: ActorDiedError with what it threw as cause", async () => {
    class Broken {
      constructor() {
        throw new RangeError("out of wool");
      }
      go() {}
    }
    const error = await get(remote(Broken).remote().go.remote()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ActorDiedError);
    expect(error).toMatchObject({ code: "ACTOR_DIED", className: "Broken", cause: { message: "out of wool" } });
    expect((error as ActorDiedError).cause).toBeInstanceOf(RangeError);
  });

  test("a failed argument of the constructor kills the actor, with the argument's error as cause", async () => {
    const bad = remote((): number => {
      throw new TypeError("not a number");
    }).remote();
    class Takes {
      readonly n: number;
      constructor(n: number) {
        this.n = n;
      }
      go() {}
    }
    const error = await get(remote(Takes).remote(bad).go.remote()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ActorDiedError);
    expect((error as ActorDiedError).cause).toBeInstanceOf(TypeError);
  });

  test("the actor's row has Ray's columns", async () => {
    const actor = remote(Counter)
      .options({ name: "hits", namespace: "shop", numCpus: 2, lifetime: "detached" })
      .remote();
    await actor.add.remote(1);
    expect(await listActors()).toEqual([
      expect.objectContaining({
        className: "Counter",
        state: "ALIVE",
        name: "hits",
        rayNamespace: "shop",
        pid: process.pid,
        requiredResources: { CPU: 2 },
        isDetached: true,
        numRestarts: 0,
        deathCause: null,
        placementGroupId: null,
        reprName: "Counter(hits)",
        callSite: expect.stringContaining("lifecycle.test.ts"),
      }),
    ]);
  });
});

inBothModes("kill, exit and restart", () => {
  test("a killed actor fails what is queued and what comes later, and frees its name", async () => {
    const actor = remote(Counter).options({ name: "one" }).remote();
    await actor.add.remote(1);
    const queued = get(actor.add.remote(1));
    await kill(actor);
    await expect(queued).rejects.toThrow(ActorDiedError);
    await expect(get(actor.add.remote(1))).rejects.toThrow(/Actor Counter "one" is dead: it was killed/);
    await expect(getActor("one")).rejects.toThrow(ActorHandleNotFoundError);
  });

  test("kill runs no clean-up; the actor's own end does, and both abort its signal", async () => {
    const log: string[] = [];
    class Tidy {
      constructor() {
        getRuntimeContext().actorSignal.addEventListener("abort", () => log.push("aborted"));
      }
      async [Symbol.asyncDispose]() {
        log.push("disposed");
      }
    }
    const first = remote(Tidy).remote();
    await first.__ray_ready__.remote();
    await kill(first);
    expect(log.splice(0)).toEqual(["aborted"]);
    const second = remote(Tidy).remote();
    await second.__ray_ready__.remote();
    await second[Symbol.asyncDispose]();
    expect(log).toEqual(["disposed", "aborted"]);
  });

  test("with maxRestarts a kill that allows it runs the constructor again, with the same arguments and fresh state", async () => {
    class Restarts {
      n: number;
      constructor(start: number) {
        this.n = start;
      }
      add(by: number) {
        this.n += by;
        return this.n;
      }
      again() {
        return getRuntimeContext().wasCurrentActorReconstructed();
      }
    }
    const actor = remote(Restarts).options({ maxRestarts: 1 }).remote(10);
    expect(await actor.add.remote(1)).toBe(11);
    expect(await actor.again.remote()).toBe(false);
    await kill(actor, { noRestart: false });
    expect(await stateOf("Restarts")).toBe("RESTARTING");
    expect(await actor.add.remote(1)).toBe(11);
    expect(await actor.again.remote()).toBe(true);
    expect((await listActors())[0]?.numRestarts).toBe(1);
    await kill(actor, { noRestart: false });
    await expect(get(actor.add.remote(1))).rejects.toThrow(ActorDiedError);
  });

  test("a running call fails with ActorUnavailableError when its actor restarts, or is made again with maxTaskRetries", async () => {
    for (const maxTaskRetries of [0, 1]) {
      const entered = deferred();
      let runs = 0;
      class Stuck {
        async work() {
          runs += 1;
          entered.resolve();
          if (runs === 1) await new Promise(() => {});
          return runs;
        }
      }
      const actor = remote(Stuck).options({ maxRestarts: -1, maxTaskRetries }).remote();
      const work = get(actor.work.remote());
      await entered.promise;
      await kill(actor, { noRestart: false });
      if (maxTaskRetries === 0) await expect(work).rejects.toThrow(ActorUnavailableError);
      else expect(await work).toBe(2);
    }
  });

  test("exitActor ends the actor for good, whatever maxRestarts says", async () => {
    class Leaves {
      async leave(): Promise<string> {
        return exitActor();
      }
    }
    const actor = remote(Leaves).options({ maxRestarts: -1 }).remote();
    await expect(get(actor.leave.remote())).rejects.toThrow(ActorDiedError);
    await until(async () => (await stateOf("Leaves")) === "DEAD");
    expect((await listActors())[0]?.deathCause?.reason).toBe("EXITED");
    expect(() => exitActor()).toThrow(/only for code of an actor/);
  });

  test("__ray_terminate__ lets the calls before it finish", async () => {
    const actor = remote(Counter).remote();
    const results = [actor.add.remote(1), actor.add.remote(1)];
    actor.__ray_terminate__.remote();
    expect(await get(results)).toEqual([1, 2]);
    await until(async () => (await stateOf("Counter")) === "DEAD");
  });

  test("an actor ends with the actor that made it, a detached one does not", async () => {
    class Child {}
    class Parent {
      handles: unknown[] = [];
      async spawn() {
        const child = remote(Child).remote();
        const detached = remote(Child).options({ lifetime: "detached", name: "stays" }).remote();
        this.handles = [child, detached];
        await Promise.all([child.__ray_ready__.remote(), detached.__ray_ready__.remote()]);
      }
    }
    const parent = remote(Parent).remote();
    await parent.spawn.remote();
    await kill(parent);
    const children = (await listActors()).filter(({ className }) => className === "Child");
    expect(children.map(({ state, deathCause }) => [state, deathCause?.reason])).toEqual([
      ["DEAD", "OWNER_DIED"],
      ["ALIVE", undefined],
    ]);
  });

  test("more unanswered calls than maxPendingCalls are refused where they are made", async () => {
    const gate = deferred();
    class Slow {
      async work() {
        await gate.promise;
      }
    }
    const actor = remote(Slow).options({ maxPendingCalls: 2 }).remote();
    const calls = [actor.work.remote(), actor.work.remote()];
    expect(() => actor.work.remote()).toThrow(PendingCallsLimitExceeded);
    gate.resolve();
    await get(calls);
    await actor.work.remote();
  });
});

test("shutdown tells running calls by their signal and disposes of every actor", async () => {
  await init({ local: true });
  const log: string[] = [];
  const entered = deferred();
  class Server {
    async serve() {
      const { signal } = getRuntimeContext();
      entered.resolve();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      log.push("served");
    }
    [Symbol.dispose]() {
      log.push("disposed");
    }
  }
  const server = remote(Server).remote();
  const serving = get(server.serve.remote());
  await entered.promise;
  await shutdown();
  await serving;
  expect(log).toEqual(["served", "disposed"]);
});
