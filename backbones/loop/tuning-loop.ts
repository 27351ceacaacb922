/** The tuning loop: tasks, episodes, rewards, advantages, update, new weights; again and again until the last step. */

import { join } from "node:path";
import type { JudgedEpisode, Task, TaskOrder, TaskSet } from "../../actors/index.ts";
import {
  type Experiment,
  type Progress,
  type Rates,
  ratesOf,
  rolloutMetrics,
  type Summary,
  sampledTokens,
  validationMetrics,
} from "../experiment/index.ts";
import type { Crew } from "./crew.ts";
import { type LoopState, readLoopState, writeLoopState } from "./loop-state.ts";
import { learnerMetrics, stepLine } from "./metrics.ts";
import { Phases } from "./phases.ts";
import type { LoopPlan } from "./plan.ts";
import { rollOut } from "./rollouts.ts";
import { SampleBuffer } from "./sample-buffer.ts";
import { isMixed, samplesOf } from "./samples.ts";

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
}

/** With dynamic sampling, at most so many times the tasks of a step are tried to fill it with mixed groups. */
const MAX_OVERSAMPLING = 3;

/** One run of the loop, from its start or a checkpoint to its summary. */
export class TuningLoop {
  readonly #parts: LoopParts;
  #buffer: SampleBuffer;
  #phases = new Phases();
  #step = 0;
  #version = 0;
  #before: Rates | null = null;
  #counts = { episodes: 0, failedEpisodes: 0, skippedUpdates: 0 };
  #secondsBefore = 0;
  readonly #started = performance.now();

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#buffer = new SampleBuffer(parts.plan.maxStaleness);
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
    this.#phases = new Phases(state.phases);
    this.#step = state.step;
    this.#version = state.weightVersion;
    this.#before = state.before;
    this.#counts = {
      episodes: state.episodes,
      failedEpisodes: state.failedEpisodes,
      skippedUpdates: state.skippedUpdates,
    };
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
    while (this.#step < plan.totalSteps) {
      const last = this.#step + 1 === plan.totalSteps;
      after = await this.#oneStep(this.#step + 1, last);
    }
    if (after === null && validation !== undefined) after = (await this.#validate(this.#step, validation)).rates;
    const model = join(experiment.folder, "model");
    await this.#phases.measure("export", () => crew.exportModel(model));
    await crew.drawCurves(experiment.metricsFile, experiment.curvesFile, this.#parts.name);
    const summary = this.#summary(after, model);
    await experiment.writeSummary(summary);
    return summary;
  }

  async #oneStep(step: number, last: boolean): Promise<Rates | null> {
    const { plan, progress, crew, validation, experiment } = this.#parts;
    const rollout = await this.#phases.measure("rollout", () => this.#fillBuffer(step));
    const { groups, dropped } = this.#buffer.take(plan.tasksPerStep, this.#version);
    const samples = samplesOf(groups, plan.algorithm);
    progress.phase("learning from", samples.length);
    const learn = await this.#phases.measure("learn", async () =>
      samples.length === 0 ? undefined : crew.train(samples, plan.train),
    );
    this.#counts.skippedUpdates += learn.result?.skippedUpdates ?? 0;
    if (learn.result !== undefined && learn.result.updates > learn.result.skippedUpdates) this.#version++;
    const weights = await this.#phases.measure("weights", () => crew.publishWeights(this.#version));
    this.#step = step;

    const due = validation !== undefined && (last || step % plan.testEvery === 0);
    const checked = due ? await this.#validate(step, validation) : undefined;
    const metrics = {
      ...rolloutMetrics(rollout.result.groups),
      ...learnerMetrics(learn.result),
      "episode/failed": rollout.result.failed,
      "episode/retried": rollout.result.retried,
      "buffer/groups": this.#buffer.size,
      "buffer/dropped": dropped,
      "learner/samples": samples.length,
      "learner/weight_version": this.#version,
      "time/rollout_seconds": rollout.seconds,
      "time/learn_seconds": learn.seconds,
      "time/weights_seconds": weights.seconds,
      "throughput/rollout_tokens_per_second": sampledTokens(rollout.result.groups.flat()) / rollout.seconds,
      ...checked?.metrics,
    };
    await this.#record(step, metrics);
    progress.stepDone(step, stepLine(metrics));
    if (last || step % plan.saveEvery === 0) {
      await this.#phases.measure("checkpoint", () => this.#save(step));
      await crew.drawCurves(experiment.metricsFile, experiment.curvesFile, this.#parts.name);
    }
    return checked?.rates ?? null;
  }

  /** Rolls out a step's tasks; with dynamic sampling more of them, until enough groups are mixed. */
  async #fillBuffer(step: number): Promise<{ groups: (readonly JudgedEpisode[])[]; failed: number; retried: number }> {
    const { plan, crew, progress, experiment, signal } = this.#parts;
    const all: (readonly JudgedEpisode[])[] = [];
    let failed = 0;
    let retried = 0;
    for (let round = 0; round < (plan.dynamicSampling ? MAX_OVERSAMPLING : 1); round++) {
      const wanted = plan.tasksPerStep - (plan.dynamicSampling ? this.#buffer.size : 0);
      if (wanted <= 0) break;
      const tasks = await this.#nextTasks(wanted);
      progress.phase("episodes", tasks.length * plan.rollout.repeats);
      const place = { ...plan.rollout, step, ...(round > 0 && { round }) };
      const outcome = await rollOut(crew, tasks, place, signal, (e) => progress.advance(sampledTokens([e])));
      failed += outcome.failed;
      retried += outcome.retried;
      if (outcome.firstError !== undefined) progress.say(`${outcome.failed} episodes failed: ${outcome.firstError}`);
      all.push(...outcome.groups);
      this.#counts.episodes += outcome.groups.flat().length;
      this.#counts.failedEpisodes += outcome.failed;
      await experiment.appendEpisodes("train", step, outcome.groups.flat());
      this.#buffer.add(this.#version, plan.dynamicSampling ? outcome.groups.filter(isMixed) : outcome.groups);
    }
    return { groups: all, failed, retried };
  }

  async #nextTasks(count: number): Promise<Task[]> {
    return Promise.all(this.#parts.order.next(count).map((index) => this.#parts.training.at(index)));
  }

  async #validate(step: number, tasks: TaskSet): Promise<{ rates: Rates; metrics: Record<string, number> }> {
    const { plan, crew, progress, experiment, signal } = this.#parts;
    const { result, seconds } = await this.#phases.measure("validation", async () => {
      const chosen = await Promise.all(Array.from({ length: plan.validationTasks }, (_, index) => tasks.at(index)));
      progress.phase("validation", chosen.length * plan.validation.repeats);
      return rollOut(crew, chosen, { ...plan.validation, step }, signal, (e) => progress.advance(sampledTokens([e])));
    });
    const episodes = result.groups.flat();
    await experiment.appendEpisodes("validation", step, episodes);
    const rates = ratesOf(episodes);
    progress.say(
      `validation at step ${step}: success ${(rates.success * 100).toFixed(1)} % of ${episodes.length} episodes`,
    );
    const metrics = {
      ...validationMetrics(result.groups),
      "validation/failed": result.failed,
      "time/validation_seconds": seconds,
    };
    return { rates, metrics };
  }

  async #record(step: number, metrics: Record<string, number>): Promise<void> {
    const { experiment, crew, plan } = this.#parts;
    await experiment.appendMetrics({ step, "time/elapsed_seconds": this.#seconds(), ...metrics });
    if (plan.tensorboard) await crew.writeScalars(experiment.tensorboardFolder, step, metrics);
  }

  async #save(step: number): Promise<void> {
    const { experiment, crew, order, plan } = this.#parts;
    await experiment.writeCheckpoint(step, plan.checkpointsToKeep, async (folder) => {
      await crew.saveLearner(join(folder, "learner"));
      const state: LoopState = {
        step,
        weightVersion: this.#version,
        order: order.state(),
        buffer: this.#buffer.state(),
        before: this.#before,
        ...this.#counts,
        seconds: this.#seconds(),
        phases: this.#phases.totals(),
      };
      await writeLoopState(folder, state);
    });
  }

  #seconds(): number {
    return this.#secondsBefore + (performance.now() - this.#started) / 1000;
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
