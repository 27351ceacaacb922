import { expect, test } from "vitest";
import {
  ActorDiedError,
  ActorUnavailableError,
  get,
  kill,
  nodes,
  remote,
  WorkerCrashedError,
} from "../../../runtime/index.ts";
import { eventually } from "../../fixtures/cluster.ts";
import { actorIn, actorsOf, failureOf, onEveryRuntime } from "../../fixtures/conformance.ts";
import { Gated } from "../../fixtures/remote/actors.ts";
import { Mortal } from "../../fixtures/remote/mortals.ts";
import { ShopError } from "../../fixtures/remote/shop.ts";
import { crashing } from "../../fixtures/remote/tasks.ts";

onEveryRuntime("actor restart", (place) => {
  test("with maxRestarts a kill that allows it makes the actor again, with its arguments and fresh state", async () => {
    const { facts } = place;
    const actor = remote(Mortal).options({ maxRestarts: 1, numCpus: 4 }).remote(10, facts.folder);
    expect(await actor.add.remote(1)).toBe(11);
    expect(await actor.reconstructed.remote()).toBe(false);
    // Nothing else fits beside it, so that the restart has to wait for what this one leaves.
    await kill(actor, { noRestart: false });
    // Calls made while it restarts wait for it.
    const buffered = [actor.add.remote(1), actor.add.remote(1)];
    expect(await get(buffered)).toEqual([11, 12]);
    expect(await actor.reconstructed.remote()).toBe(true);
    expect((await actorsOf("Mortal"))[0]).toMatchObject({ state: "ALIVE", numRestarts: 1 });
    expect(facts.told("constructed")).toHaveLength(2);
    await kill(actor, { noRestart: false });
    await expect(get(actor.add.remote(1))).rejects.toThrow(ActorDiedError);
    expect((await actorsOf("Mortal"))[0]).toMatchObject({ state: "DEAD", deathCause: { reason: "KILLED" } });
  });

  test("RESTARTING is seen while it waits for a place", async () => {
    const options = { numCpus: 2, maxRestarts: -1 };
    const actor = remote(Mortal).options(options).remote();
    const holder = remote(Gated).options({ numCpus: 2 }).remote();
    await get([actor.pid.remote(), holder.quick.remote()]);
    const next = remote(Gated).options({ numCpus: 2, name: "next" }).remote();
    const ready = next.quick.remote();
    await actorIn("PENDING_CREATION", "next");
    await kill(actor, { noRestart: false });
    expect(await ready).toBe("quick");
    expect(await actorIn("RESTARTING", "Mortal")).toMatchObject({ numRestarts: 1, pid: null });
    const waits = actor.add.remote(1);
    await kill(holder);
    expect(await waits).toBe(1);
  });

  test("a running call fails with ActorUnavailableError, or is made again with maxTaskRetries", async () => {
    const { facts } = place;
    for (const maxTaskRetries of [0, 1]) {
      const actor = remote(Gated).options({ maxRestarts: -1, maxTaskRetries }).remote();
      const name = `retries ${maxTaskRetries}`;
      const work = actor.work.remote(facts.folder, name);
      const outcome = work.then(
        (value) => value,
        (error: unknown) => error,
      );
      await facts.until(`${name} begun`);
      await kill(actor, { noRestart: false });
      if (maxTaskRetries === 0) expect(await outcome).toBeInstanceOf(ActorUnavailableError);
      else await facts.until(`${name} begun`, { times: 2 });
      facts.tell(`${name} go`);
      if (maxTaskRetries === 1) expect(await outcome).toBe(name);
      expect(await actor.quick.remote()).toBe("quick");
    }
  });

  test("retryExceptions of an actor, a method or a call make a method that throws again", async () => {
    const { folder } = place.facts;
    const always = remote(Mortal).options({ maxTaskRetries: 2, retryExceptions: true }).remote();
    expect(await always.flaky.remote(folder, 2)).toBe(3);
    const plain = remote(Mortal).remote();
    expect(await failureOf(plain.flaky.remote(folder, 99))).toMatchObject({ message: "run 4" });
    const again = plain.flaky.options({ maxTaskRetries: 2, retryExceptions: [RangeError] });
    expect(await failureOf(again.remote(folder, 99))).toMatchObject({ message: "run 7" });
    const other = plain.flaky.options({ maxTaskRetries: 2, retryExceptions: [ShopError] });
    expect(await failureOf(other.remote(folder, 99))).toMatchObject({ message: "run 8" });
  });
});

onEveryRuntime(
  "processes that end under a call",
  (place) => {
    test("an actor's call that loses its process is made again with maxTaskRetries", async () => {
      const actor = remote(Mortal).options({ maxRestarts: -1, maxTaskRetries: -1 }).remote();
      expect(await actor.crash.remote(place.facts.folder, 2)).toBe(3);
      expect((await actorsOf("Mortal"))[0]?.numRestarts).toBe(2);
    });

    test("ActorUnavailableError while it may be made again, ActorDiedError with the cause when it may not", async () => {
      const actor = remote(Mortal).options({ maxRestarts: 1 }).remote(5);
      const crash = () => actor.crash.remote(place.facts.folder, 99);
      expect(await failureOf(crash())).toBeInstanceOf(ActorUnavailableError);
      expect(await actor.add.remote(1)).toBe(6);
      const error = await failureOf(crash());
      expect(error).toBeInstanceOf(ActorDiedError);
      expect(error.message).toMatch(/exit code 3/);
      expect(await failureOf(actor.add.remote(1))).toBeInstanceOf(ActorDiedError);
      expect((await actorsOf("Mortal"))[0]).toMatchObject({ deathCause: { reason: "WORKER_DIED" }, numRestarts: 1 });
    });

    test("a process that is killed from outside is noticed", async () => {
      const actor = remote(Gated).remote();
      const work = failureOf(actor.work.remote(place.facts.folder, "long"));
      await place.facts.until("long begun");
      process.kill(await actor.pid.remote(), "SIGKILL");
      expect(await work).toBeInstanceOf(ActorDiedError);
      expect((await work).message).toMatch(/SIGKILL/);
    });

    test("a task is run again elsewhere, three times by default, then WorkerCrashedError", async () => {
      expect(await remote(crashing).remote(place.facts.folder, 2)).toBe(3);
      const once = remote(crashing).options({ maxRetries: 0 });
      expect(await failureOf(once.remote(place.facts.folder, 99))).toBeInstanceOf(WorkerCrashedError);
      expect(place.facts.told("runs")).toHaveLength(4);
    });
  },
  { modes: ["cluster"] },
);

onEveryRuntime(
  "a node that dies",
  (place) => {
    test("its actors are made again on another node if they may be, others are dead", async () => {
      const second = await place.cluster.addNode({ cpus: 2, labels: "zone=b", warmHosts: 2 });
      const preferred = { schedulingStrategy: { labels: { soft: { zone: "b" } } } };
      const moves = remote(Mortal)
        .options({ ...preferred, maxRestarts: 1, maxTaskRetries: 1, name: "moves" })
        .remote(7);
      const stays = remote(Mortal)
        .options({ ...preferred, name: "stays" })
        .remote();
      const pids = await get([moves.pid.remote(), stays.pid.remote()]);
      await second.signal("SIGKILL");
      expect(await moves.add.remote(1)).toBe(8);
      const error = await failureOf(stays.pid.remote());
      expect(error).toBeInstanceOf(ActorDiedError);
      expect((await actorsOf("stays"))[0]).toMatchObject({ deathCause: { reason: "NODE_DIED" } });
      expect((await nodes()).map(({ alive }) => alive)).toEqual([true, false]);
      // The dead node's processes are gone.
      for (const pid of pids) await eventually(() => isGone(pid), Boolean);
    });
  },
  { modes: ["cluster"], nodes: [{ cpus: 2, warmHosts: 2 }] },
);

function isGone(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return false;
  } catch {
    return true;
  }
}
