/** The folder of one run: what is written there, under which names, and how it is taken up again. */

import { randomUUID } from "node:crypto";
import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { JudgedEpisode } from "../../actors/index.ts";
import { UserError } from "../../configs/index.ts";

/** Numbers of one step; `step` is the training step, 0 for what was measured before the first. */
export interface MetricsRow {
  readonly step: number;
  readonly [metric: string]: number;
}

/** `run.json`: whether a run is going on, and why it ended. */
export interface RunState {
  readonly state: "running" | "finished" | "failed" | "stopped";
  readonly startedAt: string;
  readonly totalSteps?: number;
  readonly error?: string;
}

/** How the folders begin in which weights lie on their way to the engines. */
export const WEIGHTS = "astune-weights-";
const CHECKPOINT = /^step-(\d{6})$/;
const EPISODES = /^(?:step|validation)-(\d{6})\.jsonl$/;
const pad = (step: number): string => String(step).padStart(6, "0");

/** Somebody else has taken up the experiment; this process must not write to it any more. */
export class ExperimentTakenError extends Error {
  readonly code = "EXPERIMENT_TAKEN";

  constructor(folder: string) {
    super(`${folder}: another process has taken up this experiment and writes to it now`);
    this.name = "ExperimentTakenError";
  }
}

/**
 * An experiment folder that is open for writing. Who opens it last owns it: a process that goes on elsewhere, on a machine
 * that was cut off, fails at its next write with `ExperimentTakenError`. All writes append or replace whole files.
 */
export class Experiment {
  readonly folder: string;
  readonly metricsFile: string;
  readonly tensorboardFolder: string;
  readonly logsFolder: string;
  readonly curvesFile: string;
  readonly summaryFile: string;
  readonly #owner = randomUUID();

  private constructor(folder: string) {
    this.folder = folder;
    this.metricsFile = join(folder, "metrics.jsonl");
    this.tensorboardFolder = join(folder, "tensorboard");
    this.logsFolder = join(folder, "logs");
    this.curvesFile = join(folder, "curves.png");
    this.summaryFile = join(folder, "summary.json");
  }

  /** Makes the folder of a new run. A folder that already holds a run is refused, so that nothing is lost. */
  static async create(folder: string, expandedYaml: string): Promise<Experiment> {
    const experiment = new Experiment(folder);
    if ((await experiment.metrics()).length > 0 || (await experiment.checkpointSteps()).length > 0) {
      throw new UserError({
        where: folder,
        expected: "a folder without a run in it",
        found: "the files of an earlier run",
        fix: "go on with it by --resume, or set another astune.experiment_name",
      });
    }
    await experiment.#prepare(expandedYaml);
    return experiment;
  }

  /** Takes up an earlier run. */
  static async reopen(folder: string, expandedYaml: string): Promise<Experiment> {
    const experiment = new Experiment(folder);
    await experiment.#prepare(expandedYaml);
    await rm(experiment.summaryFile, { force: true });
    for (const name of await readdir(folder)) {
      // Of a process that could not remove them.
      if (name.startsWith(WEIGHTS)) await rm(join(folder, name), { recursive: true, force: true });
    }
    for (const name of await readdir(experiment.#checkpoints)) {
      if (!CHECKPOINT.test(name)) await rm(join(experiment.#checkpoints, name), { recursive: true, force: true });
    }
    return experiment;
  }

  get #checkpoints(): string {
    return join(this.folder, "checkpoints");
  }

  async #prepare(expandedYaml: string): Promise<void> {
    for (const name of ["episodes", "checkpoints", "logs"]) await mkdir(join(this.folder, name), { recursive: true });
    await writeFile(join(this.folder, "config.yaml"), expandedYaml);
    await replaceFile(this.#ownerFile, this.#owner);
  }

  get #ownerFile(): string {
    return join(this.folder, ".owner");
  }

  async #checkOwner(): Promise<void> {
    if ((await readFile(this.#ownerFile, "utf8")) !== this.#owner) throw new ExperimentTakenError(this.folder);
  }

  async appendMetrics(row: MetricsRow): Promise<void> {
    await this.#checkOwner();
    await appendFile(this.metricsFile, `${JSON.stringify(row)}\n`);
  }

  async appendEpisodes(split: "train" | "validation", step: number, episodes: readonly JudgedEpisode[]): Promise<void> {
    const file = join(this.folder, "episodes", `${split === "train" ? "step" : "validation"}-${pad(step)}.jsonl`);
    await this.#checkOwner();
    await appendFile(file, episodes.map((episode) => `${JSON.stringify(episode)}\n`).join(""));
  }

  /** Rows written so far, without a last line that was cut off. */
  async metrics(): Promise<MetricsRow[]> {
    const text = await readFile(this.metricsFile, "utf8").catch(() => "");
    return text
      .slice(0, text.lastIndexOf("\n") + 1)
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as MetricsRow);
  }

  /** Forgets what came after `step`: its metrics, and the episodes that will be rolled out again. -1 forgets all. */
  async truncateAfter(step: number): Promise<void> {
    const kept = (await this.metrics()).filter((row) => row.step <= step);
    await replaceFile(this.metricsFile, kept.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const episodes = join(this.folder, "episodes");
    for (const name of await readdir(episodes)) {
      const found = EPISODES.exec(name);
      if (found !== null && Number(found[1]) > step) await rm(join(episodes, name));
    }
  }

  /** Steps of the complete checkpoints, oldest first. */
  async checkpointSteps(): Promise<number[]> {
    const names = await readdir(this.#checkpoints).catch(() => []);
    return names
      .flatMap((name) => CHECKPOINT.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  checkpointFolder(step: number): string {
    return join(this.#checkpoints, `step-${pad(step)}`);
  }

  /** Has `fill` write a checkpoint beside its place and moves it there when it is whole. Nothing stays of a failed one. */
  async writeCheckpoint(step: number, keep: number, fill: (folder: string) => Promise<void>): Promise<void> {
    await this.#checkOwner();
    const target = this.checkpointFolder(step);
    const unfinished = join(dirname(target), `.unfinished-${basename(target)}`);
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { recursive: true });
    try {
      await fill(unfinished);
      await this.#checkOwner();
      await rm(target, { recursive: true, force: true });
      await rename(unfinished, target);
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true });
      throw error;
    }
    const steps = await this.checkpointSteps();
    const old = steps.slice(0, Math.max(0, steps.length - Math.max(1, keep)));
    for (const each of old) await rm(this.checkpointFolder(each), { recursive: true, force: true });
  }

  /** Keeps how the run stands, for whoever looks at the folder from outside. */
  async writeState(state: RunState): Promise<void> {
    await this.#checkOwner();
    await replaceFile(join(this.folder, "run.json"), `${JSON.stringify(state, null, 2)}\n`);
  }

  async writeSummary(summary: object): Promise<void> {
    await this.#checkOwner();
    await replaceFile(this.summaryFile, `${JSON.stringify(summary, null, 2)}\n`);
  }
}

async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
