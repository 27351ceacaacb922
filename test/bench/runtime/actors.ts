/** What the benchmark of the runtime runs in other processes: Ray's benchmark's actors and functions, method for method. */

import { type ActorHandle, get, put } from "../../../runtime/index.ts";

const ok = Buffer.from("ok");

export class Actor {
  smallValue(): Buffer {
    return ok;
  }

  smallValueArg(_value: number): Buffer {
    return ok;
  }

  size(value: Uint8Array): number {
    return value.length;
  }
}

export class AsyncActor {
  async smallValue(): Promise<Buffer> {
    return ok;
  }

  async smallValueWithArg(_value: number): Promise<Buffer> {
    return ok;
  }
}

export class Client {
  readonly #servers: readonly ActorHandle<Actor>[];

  constructor(servers: readonly ActorHandle<Actor>[]) {
    this.#servers = servers;
  }

  async smallValueBatchArg(n: number): Promise<void> {
    const value = put<number>(0);
    for (const server of this.#servers) {
      await get(Array.from({ length: n }, () => server.smallValueArg.remote(value)));
    }
  }
}

export function smallValue(): Buffer {
  return ok;
}

/** `n` calls, shared among the actors. */
export async function work(actors: readonly ActorHandle<Actor>[], n: number): Promise<void> {
  const calls = Array.from({ length: n }, (_, i) =>
    (actors[i % actors.length] as ActorHandle<Actor>).smallValue.remote(),
  );
  const values = await get(calls);
  if (values.length !== n || values[0]?.toString() !== "ok") throw new Error("the values are not what was sent");
}

export async function asyncWork(actors: readonly ActorHandle<AsyncActor>[], n: number): Promise<void> {
  await get(
    Array.from({ length: n }, (_, i) => (actors[i % actors.length] as ActorHandle<AsyncActor>).smallValue.remote()),
  );
}
