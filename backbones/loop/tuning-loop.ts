/**
 * The tuning loop: tasks, episodes, rewards, advantages, update, new weights; again and again until the last step. The
 * explorer rolls out into the buffer, and this, the trainer, takes from it.
 */

import { join } from "node:path";
import type { TaskOrder, TaskSet } from "../../actors/index.ts";
import { type Experiment, type Progress, type Rates, type Summary, sampledTokens } from "../experiment/index.ts";
import type { Crew } from "./crew.ts";
import { Explorer, type ExplorerState } from "./explorer.ts";
import { type LoopState, readLoopState, writeLoopState } from "./loop-state.ts";
import { explorationMetrics, learnerMetrics, stepLine } from "./metrics.ts";
import { Phases } from "./phases.ts";
import type { LoopPlan } from "./plan.ts";
import { byPlace, SampleBuffer } from "./sample-buffer.ts";
import { samplesOf } from "./samples.ts";
import { Slots } from "./slots.ts";
import { stalenessMetrics } from "./staleness.ts";
import { validate } from "./validation.ts";

/** What a loop works with. The caller opens and closes all of it. */
export interface LoopParts {
  readonly plan: LoopPlan;
  readonly crew: Crew;
  readonly training: TaskSet;
  readonly validation: TaskSet | undefined;
  readonly order: TaskOrder;
  readonly experiment: Experiment;
  readonly progress: Progress;
  /** The name in titles. */
  readonly name: string;
  /** Stops the loop between two episodes; it then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** A clock in milliseconds; `performance.now` by default. */
  readonly now?: () => number;
}

const START: ExplorerState = { next: 1, open: [], unreported: { leftOut: [], failed: 0, retried: 0 } };

/** One run of the loop, from its start or a checkpoint to its summary. */
export class TuningLoop {
  readonly #parts: LoopParts;
  readonly #now: () => number;
  readonly #slots: Slots;
  #buffer: SampleBuffer;
  #explorer: Explorer;
  #phases: Phases;
  #step = 0;
  #version = 0;
  #before: Rates | null = null;
  #counts = { episodes: 0, failedEpisodes: 0, skippedUpdates: 0 };
  #secondsBefore = 0;
  #isWaiting = false;
  readonly #started: number;

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
    this.#started = this.#now();
    this.#phases = new Phases(this.#now);
    this.#slots = new Slots(parts.plan.rollout.maxParallel, () => this.#explorer.slotsChanged());
    this.#buffer = new SampleBuffer(parts.plan.maxStaleness);
    this.#explorer = this.#newExplorer(START);
  }

  /** Takes up the newest checkpoint; without one the run begins again from its start. Returns the step it is at. */
  async resume(): Promise<number> {
    const { experiment, crew, order, plan } = this.#parts;
    const newest = (await experiment.checkpointSteps()).at(-1);
    await experiment.truncateAfter(newest ?? -1);
    if (newest === undefined) return 0;
    const folder = experiment.checkpointFolder(newest);
    const state = await readLoopState(folder);
    await crew.loadLearner(join(folder, "learner"));
    await crew.publishWeights(state.weightVersion);
    order.restore(state.order);
    this.#buffer = new SampleBuffer(plan.maxStaleness, state.buffer);
    this.#explorer = this.#newExplorer(state.explorer);
    this.#phases = new Phases(this.#now, state.phases);
    this.#step = state.step;
    this.#version = state.weightVersion;
    this.#before = state.before;
    const { episodes, failedEpisodes, skippedUpdates } = state;
    this.#counts = { episodes, failedEpisodes, skippedUpdates };
    this.#secondsBefore = state.seconds;
    return state.step;
  }

  /** Runs the remaining steps. */
  async run(): Promise<Summary> {
    const { plan, progress, experiment, crew, validation } = this.#parts;
    progress.steps(this.#step, plan.totalSteps);
    if (this.#step === 0 && plan.validateBefore && validation !== undefined) {
      const { metrics, rates } = await this.#validate(0, validation);
      this.#before = rates;
      await this.#record(0, metrics);
    }
    let after: Rates | null = null;
    this.#explorer.start();
    this.#explorer.allow(this.#step, this.#version);
    try {
      while (this.#step < plan.totalSteps) after = await this.#oneStep(this.#step + 1);
    } finally {
      this.#explorer.stop();
    }
    if (after === null && validation !== undefined) after = (await this.#validate(this.#step, validation)).rates;
    const model = join(experiment.folder, "model");
    await this.#phases.measure("export", () => crew.exportModel(model));
    await crew.drawCurves(experiment.metricsFile, experiment.curvesFile, this.#parts.name);
    const summary = this.#summary(after, model);
    await experiment.writeSummary(summary);
    return summary;
  }

  async #oneStep(step: number): Promise<Rates | null> {
    const { plan, progress, crew, validation, experiment } = this.#parts;
    const last = step === plan.totalSteps;
    const waited = await this.#phases.measure("rollout", () => this.#waitFor(step));
    const trainedVersion = this.#version;
    const { groups, dropped } = this.#buffer.take(plan.tasksPerStep, trainedVersion);
    const waiting = this.#buffer.size;
    const explored = this.#explorer.report();
    // A group is told of in the step that trains it, or where it is left out.
    const rolled = [...groups, ...explored.leftOut].sort(byPlace).map((group) => group.episodes);
    this.#counts.episodes += rolled.flat().length;
    this.#counts.failedEpisodes += explored.failed;
    await experiment.appendEpisodes("train", step, rolled.flat());

    const samples = samplesOf(
      groups.map((group) => group.episodes),
      plan.algorithm,
    );
    progress.phase("learning from", samples.length);
    const learn = await this.#phases.measure("learn", async () =>
      samples.length === 0 ? undefined : crew.train(samples, plan.train),
    );
    this.#counts.skippedUpdates += learn.result?.skippedUpdates ?? 0;
    if (learn.result !== undefined && learn.result.updates > learn.result.skippedUpdates) this.#version++;
    const weights = await this.#phases.measure("weights", () => crew.publishWeights(this.#version));
    this.#step = step;
    // In lockstep a step ends, with its validation and checkpoint, before the next one begins.
    if (plan.maxStaleness > 0) this.#explorer.allow(step, this.#version);

    const due = validation !== undefined && (last || step % plan.testEvery === 0);
    const checked = due ? await this.#validate(step, validation) : undefined;
    const metrics = {
      ...explorationMetrics(rolled, explored),
      ...learnerMetrics(learn.result),
      ...stalenessMetrics(groups, trainedVersion, plan.maxStaleness),
      "buffer/groups": waiting,
      "buffer/dropped": dropped,
      "learner/samples": samples.length,
      "learner/weight_version": this.#version,
      "time/wait_seconds": waited.seconds,
      "time/learn_seconds": learn.seconds,
      "time/weights_seconds": weights.seconds,
      ...checked?.metrics,
    };
    await this.#record(step, metrics);
    progress.stepDone(step, stepLine(metrics));
    if (last || step % plan.saveEvery === 0) {
      await this.#phases.measure("checkpoint", () => this.#save(step));
      await crew.drawCurves(experiment.metricsFile, experiment.curvesFile, this.#parts.name);
    }
    if (plan.maxStaleness === 0) this.#explorer.allow(step, this.#version);
    return checked?.rates ?? null;
  }

  /** Waits for a step's batch, and shows how it comes in. */
  async #waitFor(step: number): Promise<void> {
    const { plan, progress } = this.#parts;
    const missing = Math.max(0, plan.tasksPerStep - this.#buffer.size);
    if (plan.maxStaleness > 0) progress.phase("episodes", missing * plan.rollout.repeats);
    this.#isWaiting = true;
    try {
      await this.#explorer.ready(step);
    } finally {
      this.#isWaiting = false;
    }
  }

  #newExplorer(state: ExplorerState): Explorer {
    const { plan, progress } = this.#parts;
    return new Explorer(
      {
        ...this.#parts,
        buffer: this.#buffer,
        slots: this.#slots,
        now: this.#now,
        onRound: (tasks) => {
          if (plan.maxStaleness === 0) progress.phase("episodes", tasks * plan.rollout.repeats);
        },
        onEpisode: (episode) => {
          if (this.#isWaiting) progress.advance(sampledTokens([episode]));
        },
        onFailures: (failed, firstError) => progress.say(`${failed} episodes failed: ${firstError}`),
      },
      state,
    );
  }

  async #validate(step: number, tasks: TaskSet): Promise<{ rates: Rates; metrics: Readonly<Record<string, number>> }> {
    const { progress, experiment } = this.#parts;
    const { result, seconds } = await this.#phases.measure("validation", () =>
      validate({ ...this.#parts, slots: this.#slots }, step, tasks, {
        begins: (episodes) => progress.phase("validation", episodes),
        episode: (episode) => progress.advance(sampledTokens([episode])),
      }),
    );
    const { episodes, rates, metrics } = result;
    await experiment.appendEpisodes("validation", step, episodes);
    progress.say(
      `validation at step ${step}: success ${(rates.success * 100).toFixed(1)} % of ${episodes.length} episodes`,
    );
    return { rates, metrics: { ...metrics, "time/validation_seconds": seconds } };
  }

  async #record(step: number, metrics: Readonly<Record<string, number>>): Promise<void> {
    const { experiment, crew, plan } = this.#parts;
    await experiment.appendMetrics({ step, "time/elapsed_seconds": this.#seconds(), ...metrics });
    if (plan.tensorboard) await crew.writeScalars(experiment.tensorboardFolder, step, metrics);
  }

  async #save(step: number): Promise<void> {
    const { experiment, crew, order, plan } = this.#parts;
    await experiment.writeCheckpoint(step, plan.checkpointsToKeep, async (folder) => {
      await crew.saveLearner(join(folder, "learner"));
      // All of it is read at one moment: the explorer goes on meanwhile.
      const state: LoopState = {
        step,
        weightVersion: this.#version,
        order: order.state(),
        buffer: this.#buffer.state(),
        explorer: this.#explorer.state(),
        before: this.#before,
        ...this.#counts,
        seconds: this.#seconds(),
        phases: this.#phases.totals(),
      };
      await writeLoopState(folder, state);
    });
  }

  #seconds(): number {
    return this.#secondsBefore + (this.#now() - this.#started) / 1000;
  }

  #summary(after: Rates | null, model: string): Summary {
    return {
      before: this.#before,
      after,
      steps: this.#step,
      episodes: this.#counts.episodes,
      failed_episodes: this.#counts.failedEpisodes,
      skipped_updates: this.#counts.skippedUpdates,
      seconds: Math.round(this.#seconds() * 10) / 10,
      phases: this.#phases.totals(),
      validation_tasks: this.#parts.validation === undefined ? 0 : this.#parts.plan.validationTasks,
      model,
    };
  }
}
