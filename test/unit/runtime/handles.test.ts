import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import {
  ActorAlreadyExistsError,
  type ActorHandle,
  get,
  getActor,
  listActors,
  remote,
} from "../../../runtime/index.ts";
import { inBothModes, until } from "./both-modes.ts";

class Counter {
  n = 0;
  add(by: number): number {
    this.n += by;
    return this.n;
  }
}

inBothModes("names and handles", () => {
  test("an actor is found by its name within its namespace", async () => {
    const actor = remote(Counter).options({ name: "hits", namespace: "shop" }).remote();
    await actor.add.remote(1);
    const found: ActorHandle<Counter> = await getActor<Counter>("hits", "shop");
    expect(await found.add.remote(1)).toBe(2);
    await expect(getActor("hits")).rejects.toMatchObject({ code: "ACTOR_NOT_FOUND", actorName: "hits" });
  });

  test("a name that is taken: the calls of the second actor fail, or with getIfExists it is the first", async () => {
    const first = remote(Counter).options({ name: "hits" }).remote();
    await first.add.remote(1);
    const second = remote(Counter).options({ name: "hits" }).remote();
    await expect(get(second.__ray_ready__.remote())).rejects.toThrow(ActorAlreadyExistsError);
    const same = remote(Counter).options({ name: "hits", getIfExists: true }).remote();
    expect(await same.add.remote(1)).toBe(2);
  });

  test("a handle may be an argument, a part of one, and a result", async () => {
    class Passes {
      async viaArgument(counter: ActorHandle<Counter>) {
        return counter.add.remote(1);
      }
      async inside({ list }: { list: ActorHandle<Counter>[] }) {
        return list;
      }
    }
    const counter = remote(Counter).remote();
    const passes = remote(Passes).remote();
    expect(await passes.viaArgument.remote(counter)).toBe(1);
    const [back] = await passes.inside.remote({ list: [counter] });
    expect(await back?.add.remote(1)).toBe(2);
  });

  test("the last handle disposed of ends the actor once its calls are answered; another handle keeps it", async () => {
    const actor = remote(Counter).options({ name: "kept" }).remote();
    const other = await getActor<Counter>("kept");
    await actor[Symbol.asyncDispose]();
    await actor[Symbol.asyncDispose]();
    expect(await other.add.remote(1)).toBe(1);
    const last = other.add.remote(1);
    await other[Symbol.asyncDispose]();
    expect(await last).toBe(2);
    expect((await listActors())[0]).toMatchObject({ state: "DEAD", deathCause: { reason: "OUT_OF_SCOPE" } });
  });

  test("an actor whose handles are all collected ends; one with a handle does not", async () => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    const kept = remote(Counter).options({ name: "kept" }).remote();
    expect(await remote(Counter).options({ name: "dropped" }).remote().add.remote(1)).toBe(1);
    const states = async () => Object.fromEntries((await listActors()).map(({ name, state }) => [name, state]));
    await until(async () => {
      collect();
      return (await states())["dropped"] === "DEAD";
    });
    expect(await states()).toEqual({ kept: "ALIVE", dropped: "DEAD" });
    await kept.add.remote(1);
  });

  test("a detached actor outlives its handles", async () => {
    const actor = remote(Counter).options({ name: "stays", lifetime: "detached" }).remote();
    await actor.add.remote(1);
    await actor[Symbol.asyncDispose]();
    expect(await (await getActor<Counter>("stays")).add.remote(1)).toBe(2);
  });
});
