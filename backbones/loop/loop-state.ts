/** What a checkpoint holds besides the learner: enough to go on as if the run had never stopped. */

import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TaskOrderState } from "../../actors/index.ts";
import { UserError } from "../../configs/index.ts";
import type { Rates } from "../experiment/index.ts";
import type { BufferedGroup } from "./sample-buffer.ts";

export interface LoopState {
  readonly step: number;
  readonly weightVersion: number;
  readonly order: TaskOrderState;
  readonly buffer: readonly BufferedGroup[];
  readonly before: Rates | null;
  readonly episodes: number;
  readonly failedEpisodes: number;
  readonly skippedUpdates: number;
  /** Seconds of work so far, in all and by phase. */
  readonly seconds: number;
  readonly phases: Readonly<Record<string, number>>;
}

const FILE = "loop.json";

/** Writes the state and waits until the disk has it. */
export async function writeLoopState(folder: string, state: LoopState): Promise<void> {
  const file = await open(join(folder, FILE), "w");
  try {
    await file.writeFile(JSON.stringify(state));
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Reads a checkpoint's state. */
export async function readLoopState(folder: string): Promise<LoopState> {
  try {
    return JSON.parse(await readFile(join(folder, FILE), "utf8")) as LoopState;
  } catch (error) {
    throw new UserError(
      {
        where: join(folder, FILE),
        expected: "the loop's state in a checkpoint",
        found: error instanceof Error ? error.message : String(error),
        fix: "remove this checkpoint's folder to resume from the one before",
      },
      { cause: error },
    );
  }
}
