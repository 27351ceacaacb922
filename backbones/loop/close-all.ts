/** How a crew ends what it has started. */

import { ActorDiedError } from "../../runtime/index.ts";

/** Closes everything, the last that was started first; what cannot be closed is said and keeps nothing else open. */
export async function closeAll(closers: (() => Promise<unknown>)[], say: (line: string) => void): Promise<void> {
  for (const closer of closers.splice(0).reverse()) {
    // An actor that died has nothing left to close, and why it died is told by whoever needed it.
    await closer().catch((error: unknown) => {
      if (!(error instanceof ActorDiedError)) say(`while closing: ${String(error)}`);
    });
  }
}
