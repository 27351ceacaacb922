/** What a checkpoint holds besides the learner: enough to go on as if the run had never stopped. */

import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TaskOrderState } from "../../actors/index.ts";
import { UserError } from "../../configs/index.ts";
import type { Rates } from "../experiment/index.ts";
import type { ExplorerState } from "./explorer.ts";
import type { RolledGroup } from "./sample-buffer.ts";

export interface LoopState {
  readonly step: number;
  readonly weightVersion: number;
  readonly order: TaskOrderState;
  readonly buffer: readonly RolledGroup[];
  readonly explorer: ExplorerState;
  readonly before: Rates | null;
  readonly episodes: number;
  readonly failedEpisodes: number;
  readonly skippedUpdates: number;
  /** Seconds of work so far, in all and by phase. */
  readonly seconds: number;
  readonly phases: Readonly<Record<string, number>>;
}

const FILE = "loop.json";
/** One group a line: all of them in one text may be longer than a text can be. */
const GROUPS_FILE = "groups.jsonl";

interface GroupLine {
  readonly group: RolledGroup;
  /** Whether it waits in the buffer; else it was left out, and no metrics speak of it yet. */
  readonly waits: boolean;
}

/** Writes the state and waits until the disk has it. */
export async function writeLoopState(folder: string, state: LoopState): Promise<void> {
  const { buffer, explorer, ...rest } = state;
  const { leftOut, ...counts } = explorer.unreported;
  const lines: GroupLine[] = [
    ...buffer.map((group) => ({ group, waits: true })),
    ...leftOut.map((group) => ({ group, waits: false })),
  ];
  await writeSynced(
    join(folder, GROUPS_FILE),
    lines.map((line) => `${JSON.stringify(line)}\n`),
  );
  await writeSynced(join(folder, FILE), [JSON.stringify({ ...rest, explorer: { ...explorer, unreported: counts } })]);
}

async function writeSynced(path: string, parts: readonly string[]): Promise<void> {
  const file = await open(path, "w");
  try {
    for (const part of parts) await file.write(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Reads a checkpoint's state. */
export async function readLoopState(folder: string): Promise<LoopState> {
  try {
    const state = JSON.parse(await readFile(join(folder, FILE), "utf8")) as Omit<LoopState, "buffer">;
    const lines = await readGroups(join(folder, GROUPS_FILE));
    const of = (waits: boolean): RolledGroup[] =>
      lines.filter((line) => line.waits === waits).map((line) => line.group);
    return {
      ...state,
      buffer: of(true),
      explorer: { ...state.explorer, unreported: { ...state.explorer.unreported, leftOut: of(false) } },
    };
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

async function readGroups(path: string): Promise<GroupLine[]> {
  const lines: GroupLine[] = [];
  const file = await open(path);
  try {
    for await (const line of file.readLines()) if (line !== "") lines.push(JSON.parse(line) as GroupLine);
  } finally {
    await file.close();
  }
  return lines;
}
