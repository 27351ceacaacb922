/** Goes on after a loss: an actor, its process or its machine is gone, and the run continues from its last checkpoint. */

import { EngineDiedError, EngineTimeoutError, KernelDiedError, WeightSwapError } from "../../actors/index.ts";
import { UserError } from "../../configs/index.ts";
import { ObjectLostError, RayActorError, WorkerCrashedError } from "../../runtime/index.ts";

/** So many losses with no new checkpoint between them end the run: it would go on losing. */
const MOST_IN_A_ROW = 3;

/** What a run lost, and not what it did wrong. What a user can mend is never one, also where an actor died of it. */
export function isLoss(error: unknown): boolean {
  const chain: unknown[] = [];
  for (let each = error; each instanceof Error && !chain.includes(each); each = each.cause) chain.push(each);
  if (chain.some((each) => each instanceof UserError)) return false;
  return chain.some((each) => LOSSES.some((Class) => each instanceof Class));
}

const LOSSES = [
  RayActorError,
  WorkerCrashedError,
  ObjectLostError,
  KernelDiedError,
  EngineDiedError,
  EngineTimeoutError,
  WeightSwapError,
] as const;

export interface Attempt {
  /** Go on from the newest checkpoint. */
  readonly resume: boolean;
  /** Something was lost before. */
  readonly afterLoss: boolean;
}

export interface LossOptions {
  readonly first: Attempt;
  /** The newest checkpoint's step, or -1. */
  readonly newestCheckpoint: () => Promise<number>;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Runs to the end, anew after each loss. Rejects with what is no loss, or when three in a row brought no checkpoint. */
export async function throughLosses<T>(run: (attempt: Attempt) => Promise<T>, options: LossOptions): Promise<T> {
  let attempt = options.first;
  let before = await options.newestCheckpoint();
  for (let inARow = 1; ; inARow++) {
    try {
      return await run(attempt);
    } catch (error) {
      if (options.signal.aborted || !isLoss(error)) throw error;
      const newest = await options.newestCheckpoint();
      if (newest > before) inARow = 1;
      before = newest;
      if (inARow > MOST_IN_A_ROW) throw error;
      const [what] = (error as Error).message.split("\n");
      const where = newest < 0 ? "the start: there is no checkpoint yet" : `the checkpoint of step ${newest}`;
      options.say(`lost: ${what}; the crew is made again and goes on from ${where}`);
      attempt = { resume: true, afterLoss: true };
    }
  }
}
