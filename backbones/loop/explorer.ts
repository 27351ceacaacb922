/**
 * The explorer: rolls out the groups of each step into the buffer, as far ahead of the trainer as the plan allows.
 *
 * Step `s` may begin once `s - 1 - maxStaleness` steps are trained and their weights served. With 0 that is lockstep. So
 * no more groups have begun than the steps up to their last one can train, and `ready` keeps it so: none is ever too old.
 */

import type { JudgedEpisode, TaskOrder, TaskSet } from "../../actors/index.ts";
import { sampledTokens } from "../experiment/index.ts";
import { Changes } from "./changes.ts";
import type { Crew } from "./crew.ts";
import type { LoopPlan } from "./plan.ts";
import { rollOut } from "./rollouts.ts";
import type { RolledGroup, SampleBuffer } from "./sample-buffer.ts";
import { isMixed } from "./samples.ts";
import type { Slots } from "./slots.ts";
import { Stopwatch } from "./stopwatch.ts";

/** A step that is being rolled out; plain data, for a checkpoint. */
export interface OpenStep {
  readonly step: number;
  /** The attempt that runs, the indices of its tasks, and the places of those that are finished. */
  round: number;
  tasks: number[];
  done: number[];
  /** Groups that went into the buffer, over all rounds. */
  kept: number;
}

/** What happened since the last report. */
export interface Exploration {
  /** Groups that finished and did not go into the buffer: without a signal, or without an episode. */
  readonly leftOut: readonly RolledGroup[];
  readonly failed: number;
  readonly retried: number;
  /** Seconds in which anything was rolled out, and in which places were free and only the bound kept them so. */
  readonly busySeconds: number;
  readonly heldSeconds: number;
  /** Over as many of the last reports as a group may be old: what one counts was in part sampled before it. */
  readonly tokensPerSecond: number;
}

export interface ExplorerParts {
  readonly plan: LoopPlan;
  readonly crew: Crew;
  readonly training: TaskSet;
  readonly order: TaskOrder;
  readonly buffer: SampleBuffer;
  readonly slots: Slots;
  readonly signal: AbortSignal;
  /** A clock in milliseconds. */
  readonly now: () => number;
  readonly onRound: (tasks: number) => void;
  readonly onEpisode: (episode: JudgedEpisode) => void;
  readonly onFailures: (failed: number, firstError: string) => void;
}

/** Where an explorer goes on: the next step to begin, those under way, and what was not reported yet. */
export interface ExplorerState {
  readonly next: number;
  readonly open: readonly OpenStep[];
  readonly unreported: Pick<Exploration, "leftOut" | "failed" | "retried">;
}

/** With dynamic sampling, at most so many times the tasks of a step are tried to fill it with mixed groups. */
const MAX_OVERSAMPLING = 3;

export class Explorer {
  readonly #parts: ExplorerParts;
  readonly #changes = new Changes();
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #open = new Map<number, OpenStep>();
  /** Steps trained when each group began whose episodes run now. */
  readonly #running = new Set<{ readonly afterStep: number }>();
  readonly #busy: Stopwatch;
  readonly #held: Stopwatch;
  #next: number;
  #allowed: { readonly step: number; readonly version: number } | undefined;
  #isAtBound = false;
  #failure: { readonly error: unknown } | undefined;
  #leftOut: RolledGroup[] = [];
  #tokens = 0;
  #failed = 0;
  #retried = 0;
  readonly #windows: { readonly tokens: number; readonly seconds: number }[] = [];

  constructor(parts: ExplorerParts, state: ExplorerState) {
    this.#parts = parts;
    this.#signal = AbortSignal.any([parts.signal, this.#stop.signal]);
    this.#next = state.next;
    for (const step of state.open) this.#open.set(step.step, { ...step, tasks: [...step.tasks], done: [...step.done] });
    this.#leftOut = [...state.unreported.leftOut];
    this.#failed = state.unreported.failed;
    this.#retried = state.unreported.retried;
    this.#busy = new Stopwatch(parts.now);
    this.#held = new Stopwatch(parts.now);
  }

  /** Begins to roll out. What goes wrong is thrown by `ready`. */
  start(): void {
    this.#signal.addEventListener("abort", () => this.#changes.notify(), { once: true });
    void this.#explore().catch((error: unknown) => this.#fail(error));
  }

  /** `step` steps are trained, and every engine serves their weights, of `version`. */
  allow(step: number, version: number): void {
    this.#allowed = { step, version };
    this.#changes.notify();
  }

  /**
   * Resolves when step `step` can be trained: its batch is there, or nothing more will come for it, and no group that
   * has begun becomes too old because others are trained before it. Rejects when rolling out failed or was stopped.
   */
  async ready(step: number): Promise<void> {
    await this.#changes.until(() => {
      if (this.#failure !== undefined) throw this.#failure.error;
      this.#signal.throwIfAborted();
      const isFull = this.#parts.buffer.size >= this.#parts.plan.tasksPerStep;
      return (isFull || this.#isComplete(step)) && this.#isInTime(step);
    });
  }

  /** What happened since the last call. */
  report(): Exploration {
    const [leftOut, failed, retried] = [this.#leftOut, this.#failed, this.#retried];
    const busySeconds = this.#busy.lap();
    const tokensPerSecond = this.#rate(this.#tokens, busySeconds);
    this.#leftOut = [];
    this.#failed = this.#retried = this.#tokens = 0;
    return { leftOut, failed, retried, busySeconds, heldSeconds: this.#held.lap(), tokensPerSecond };
  }

  #rate(tokens: number, seconds: number): number {
    this.#windows.push({ tokens, seconds });
    if (this.#windows.length > this.#parts.plan.maxStaleness + 1) this.#windows.shift();
    const total = (of: "tokens" | "seconds"): number => this.#windows.reduce((sum, window) => sum + window[of], 0);
    return total("tokens") / Math.max(1e-6, total("seconds"));
  }

  /** What a checkpoint keeps. Groups under way are not in it: they are rolled out again. */
  state(): ExplorerState {
    return {
      next: this.#next,
      open: [...this.#open.values()].map((step) => ({ ...step, tasks: [...step.tasks], done: [...step.done] })),
      unreported: { leftOut: [...this.#leftOut], failed: this.#failed, retried: this.#retried },
    };
  }

  /** Told when a place for an episode is taken or given back. */
  slotsChanged(): void {
    this.#held.set(this.#isAtBound && this.#parts.slots.isIdle);
  }

  /** Starts no further episode. */
  stop(): void {
    this.#stop.abort(new Error("the loop has ended"));
  }

  async #explore(): Promise<void> {
    const { plan } = this.#parts;
    await this.#changes.until(() => this.#allowed !== undefined || this.#signal.aborted);
    for (const step of this.#open.values()) this.#begin(step);
    for (; this.#next <= plan.totalSteps; this.#next++) {
      await this.#untilAllowed(this.#next - 1 - plan.maxStaleness);
      if (this.#signal.aborted) return;
      const step = { step: this.#next, round: 0, tasks: [], done: [], kept: 0 };
      this.#open.set(step.step, step);
      this.#begin(step);
    }
  }

  async #untilAllowed(step: number): Promise<void> {
    const isAllowed = (): boolean => (this.#allowed?.step ?? 0) >= step || this.#signal.aborted;
    this.#isAtBound = !isAllowed();
    this.slotsChanged();
    await this.#changes.until(isAllowed);
    this.#isAtBound = false;
    this.slotsChanged();
  }

  #begin(step: OpenStep): void {
    this.#busy.set(true);
    void this.#fill(step).then(
      () => {
        this.#open.delete(step.step);
        this.#busy.set(this.#open.size > 0);
        this.#changes.notify();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** Rolls out a step's tasks; with dynamic sampling more of them, until enough groups are mixed. */
  async #fill(step: OpenStep): Promise<void> {
    const { plan, order } = this.#parts;
    for (; step.round < (plan.dynamicSampling ? MAX_OVERSAMPLING : 1); step.round++) {
      if (step.tasks.length === 0) {
        const wanted = plan.tasksPerStep - step.kept;
        if (wanted <= 0) return;
        step.tasks = order.next(wanted);
      }
      await this.#round(step);
      step.tasks = [];
      step.done = [];
    }
  }

  async #round(open: OpenStep): Promise<void> {
    const { plan, crew, training, slots, buffer, onRound, onEpisode, onFailures } = this.#parts;
    const { step, round } = open;
    const places = open.tasks.map((_, place) => place).filter((place) => !open.done.includes(place));
    const tasks = await Promise.all(
      places.map(async (place) => ({ place, task: await training.at(open.tasks[place] as number) })),
    );
    onRound(tasks.length);
    const begun = new Map<number, { readonly version: number; readonly afterStep: number }>();
    const place = { ...plan.rollout, step, ...(round > 0 && { round }) };
    const outcome = await rollOut(crew, tasks, place, slots, this.#signal, {
      begun: (at) => {
        const { step: afterStep = 0, version = 0 } = this.#allowed ?? {};
        const stamp = { version, afterStep };
        begun.set(at, stamp);
        this.#running.add(stamp);
      },
      episode: onEpisode,
      group: (at, episodes) => {
        const stamp = begun.get(at) as { readonly version: number; readonly afterStep: number };
        this.#running.delete(stamp);
        const group = { step, round, place: at, ...stamp, episodes };
        this.#tokens += sampledTokens(episodes);
        open.done.push(at);
        if (episodes.length > 0 && (!plan.dynamicSampling || isMixed(episodes))) {
          open.kept++;
          buffer.add(group);
        } else {
          this.#leftOut.push(group);
        }
        this.#changes.notify();
      },
      failed: () => void this.#failed++,
      retried: () => void this.#retried++,
    });
    if (outcome.firstError !== undefined) onFailures(outcome.failed, outcome.firstError);
  }

  #isComplete(step: number): boolean {
    return this.#next > step && [...this.#open.keys()].every((open) => open > step);
  }

  /**
   * Whether every group that has begun can still be trained in time when step `step` takes the oldest batch that waits
   * now: for each later step, no more of them may be left that are due by then than the steps up to it can take.
   */
  #isInTime(step: number): boolean {
    const { tasksPerStep, maxStaleness } = this.#parts.plan;
    const dueBy = (groups: Iterable<{ readonly afterStep: number }>, last: number): number =>
      [...groups].filter(({ afterStep }) => afterStep + maxStaleness < last).length;
    if (this.#running.size === 0) return true;
    const waiting = this.#parts.buffer.state();
    for (let last = step; last <= step + maxStaleness; last++) {
      const waits = dueBy(waiting, last);
      const left = waits - Math.min(tasksPerStep, waits) + dueBy(this.#running, last);
      if (left > (last - step) * tasksPerStep) return false;
    }
    return true;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#changes.notify();
  }
}
