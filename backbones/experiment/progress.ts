/** Shows how a run is going: one live line on a terminal, plain lines elsewhere, and every line in `run.log`. */

import { appendFileSync } from "node:fs";
import { createLogUpdate } from "log-update";

/** Where progress is written; a terminal gets a live line. */
export interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

const QUIET_MS = 10_000;

const clock = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  return minutes >= 60
    ? `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`
    : `${minutes}:${String(whole % 60).padStart(2, "0")}`;
};

/** Counts work done against work known, and says it without flooding. */
export class Progress {
  readonly #output: ProgressOutput;
  readonly #logFile: string;
  readonly #live: ((text: string) => void) & { clear?: () => void };
  readonly #terminal: boolean;
  readonly #started = performance.now();
  #phase = { name: "", done: 0, total: 0, tokens: 0, started: performance.now(), shown: 0 };
  #steps = { done: 0, total: 0, first: 0, started: performance.now() };

  constructor(output: ProgressOutput, logFile: string) {
    this.#output = output;
    this.#logFile = logFile;
    this.#terminal = output.isTTY === true;
    this.#live = this.#terminal ? createLogUpdate(output as unknown as NodeJS.WritableStream) : () => undefined;
  }

  /** A line that stays. */
  say(line: string): void {
    if (this.#terminal) this.#live.clear?.();
    this.#output.write(`${line}\n`);
    this.#log(line);
  }

  /** Says which steps are ahead, for the time left. */
  steps(done: number, total: number): void {
    this.#steps = { done, total, first: done, started: performance.now() };
  }

  stepDone(step: number, line: string): void {
    this.#steps.done = step;
    this.say(`${this.#head()}${line}${this.#left()}`);
  }

  /** Begins a phase of `total` episodes or updates. */
  phase(name: string, total: number): void {
    this.#phase = { name, done: 0, total, tokens: 0, started: performance.now(), shown: performance.now() };
    this.#show(false);
  }

  /** One more episode of the phase, with the tokens that it sampled. */
  advance(tokens: number): void {
    this.#phase.done++;
    this.#phase.tokens += tokens;
    this.#show(this.#phase.done === this.#phase.total);
  }

  /** Sampled tokens per second of the phase so far. */
  tokensPerSecond(): number {
    return this.#phase.tokens / Math.max(1e-3, (performance.now() - this.#phase.started) / 1000);
  }

  close(): void {
    if (this.#terminal) this.#live.clear?.();
  }

  #head(): string {
    return `[${clock((performance.now() - this.#started) / 1000)}] step ${this.#steps.done}/${this.#steps.total}  `;
  }

  #left(): string {
    const { done, total, first, started } = this.#steps;
    if (done <= first || done >= total) return "";
    const each = (performance.now() - started) / 1000 / (done - first);
    return `  ${clock(each * (total - done))} left`;
  }

  #show(last: boolean): void {
    const { name, done, total } = this.#phase;
    const rate = done > 0 ? `  ${Math.round(this.tokensPerSecond())} tokens/s` : "";
    const line = `${this.#head()}${name} ${done}/${total}${rate}${this.#left()}`;
    if (this.#terminal) this.#live(line);
    else if (!last && performance.now() - this.#phase.shown > QUIET_MS) {
      this.#phase.shown = performance.now();
      this.say(line);
    }
  }

  #log(line: string): void {
    appendFileSync(this.#logFile, `${new Date().toISOString()} ${line}\n`);
  }
}
