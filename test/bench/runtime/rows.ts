/** Ray's benchmark bodies on our runtime, under Ray's row names. Every value is checked. */

import { availableParallelism } from "node:os";
import {
  type ActorHandle,
  get,
  type ObjectRef,
  placementGroup,
  put,
  remote,
  removePlacementGroup,
  wait,
} from "../../../runtime/index.ts";
import { Actor, AsyncActor, asyncWork, Client, smallValue, work } from "./actors.ts";

/** One row: what is done once, and how many operations that is. */
export interface Body {
  readonly name: string;
  readonly operations: number;
  run(): Promise<void> | void;
}

const thousand = 1000;

function expectOk(values: readonly Buffer[], count: number): void {
  if (values.length !== count || !values.every((value) => value.length === 2 && value[0] === 0x6f)) {
    throw new Error("the values are not what was sent");
  }
}

/** Makes the actors of each row when its turn comes. */
export async function* rows(): AsyncGenerator<Body> {
  const pairs = Math.max(1, Math.floor(availableParallelism() / 2));
  const value = put<number>(0);
  yield {
    name: "single client get calls (Plasma Store)",
    operations: 1,
    async run() {
      if ((await get(value)) !== 0) throw new Error("not what was put");
    },
  };
  yield { name: "single client put calls (Plasma Store)", operations: 1, run: () => void put<number>(0) };

  const task = remote(smallValue);
  yield {
    name: "single client wait 1k refs",
    operations: 1,
    async run() {
      let notReady: ObjectRef<Buffer>[] = Array.from({ length: thousand }, () => task.remote());
      for (let i = 0; i < thousand; i += 1) [, notReady] = await wait(notReady);
      if (notReady.length !== 0) throw new Error("some were never ready");
    },
  };
  yield { name: "single client tasks sync", operations: 1, run: async () => expectOk([await task.remote()], 1) };
  yield {
    name: "single client tasks async",
    operations: thousand,
    run: async () => expectOk(await get(Array.from({ length: thousand }, () => task.remote())), thousand),
  };

  const one = remote(Actor).remote();
  const concurrent = remote(Actor).options({ maxConcurrency: 16 }).remote();
  yield { name: "1:1 actor calls sync", operations: 1, run: async () => expectOk([await one.smallValue.remote()], 1) };
  yield { name: "1:1 actor calls async", operations: thousand, run: () => many(one) };
  yield { name: "1:1 actor calls concurrent", operations: thousand, run: () => many(concurrent) };

  const servers = Array.from({ length: pairs }, () => remote(Actor).remote());
  const worker = remote(work);
  yield {
    name: "n:n actor calls async",
    operations: 4 * 5000,
    run: async () => void (await get(Array.from({ length: 4 }, () => worker.remote(servers, 5000)))),
  };
  const clients = servers.map((server) => remote(Client).remote([server]));
  yield {
    name: "n:n actor calls with arg async",
    operations: thousand * clients.length,
    run: async () => void (await get(clients.map((client) => client.smallValueBatchArg.remote(thousand)))),
  };

  const asynchronous = remote(AsyncActor).remote();
  yield {
    name: "1:1 async-actor calls sync",
    operations: 1,
    run: async () => expectOk([await asynchronous.smallValue.remote()], 1),
  };
  yield {
    name: "1:1 async-actor calls async",
    operations: thousand,
    run: async () =>
      expectOk(await get(Array.from({ length: thousand }, () => asynchronous.smallValue.remote())), thousand),
  };
  yield {
    name: "1:1 async-actor calls with args async",
    operations: thousand,
    run: async () =>
      expectOk(
        await get(Array.from({ length: thousand }, (_, i) => asynchronous.smallValueWithArg.remote(i))),
        thousand,
      ),
  };
  const asyncServers = Array.from({ length: pairs }, () => remote(AsyncActor).remote());
  const asyncWorker = remote(asyncWork);
  yield {
    name: "n:n async-actor calls async",
    operations: 4 * 5000,
    run: async () => void (await get(Array.from({ length: 4 }, () => asyncWorker.remote(asyncServers, 5000)))),
  };
  yield {
    name: "placement group create/removal",
    operations: 100,
    async run() {
      const groups = Array.from({ length: 100 }, () => placementGroup([{ custom: 0.001 }]));
      for (const group of groups) if (!(await group.wait(30_000))) throw new Error("a group was not placed");
      await Promise.all(groups.map((group) => removePlacementGroup(group)));
    },
  };
}

async function many(actor: ActorHandle<Actor>): Promise<void> {
  expectOk(await get(Array.from({ length: thousand }, () => actor.smallValue.remote())), thousand);
}
