// What is done with actors beside calling them: find, kill, leave.
import type { KillOptions } from "./core/index.ts";
import { currentContext } from "./core/index.ts";
import { runtime } from "./current.ts";
import { AsyncioActorExit, RaySystemError } from "./errors/index.ts";
import type { ActorHandle } from "./remote-types.ts";

/** The live actor of this name; `getActor<Counter>("hits")`. Throws ActorHandleNotFoundError. */
export async function getActor<Instance>(name: string, namespace?: string): Promise<ActorHandle<Instance>> {
  const backend = runtime();
  return (await backend.getActor(name, namespace ?? backend.namespace)) as ActorHandle<Instance>;
}

/** Ends an actor at once, without letting it clean up. With `noRestart: false` it is made again if it may be. */
export async function kill(actor: object, options: KillOptions = {}): Promise<void> {
  await runtime().kill(actor, options);
}

/** Leaves the running method and ends its actor, which is not restarted. Throws, so nothing after it runs. */
export function exitActor(): never {
  const context = currentContext();
  if (context?.actorId === undefined) throw new RaySystemError("exitActor() is only for code of an actor");
  context.exit?.();
  throw new AsyncioActorExit("exitActor() was called");
}
