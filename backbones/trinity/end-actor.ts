/** How an actor that owns something outside its process is ended. */

import { kill } from "../../runtime/index.ts";

interface Closable {
  readonly close: { remote(): PromiseLike<unknown> };
}

/** Lets the actor close what it owns, and ends it; one that cannot close, or cannot be reached now, must not stay either. */
export async function endActor(actor: Closable): Promise<void> {
  try {
    await actor.close.remote();
  } finally {
    await kill(actor);
  }
}
