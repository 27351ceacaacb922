// The actor that runs a job's entry, and tells the head how it ended.
import { type CodeRef, loadCode } from "../code/index.ts";
import type { JobOutcome } from "../control/index.ts";
import { ownHead } from "./jobs.ts";
import type { Runnable } from "./runnable.ts";

type Disposable = { [Symbol.asyncDispose]?(): PromiseLike<void>; [Symbol.dispose]?(): void };
type EntryClass = new (...args: unknown[]) => Runnable & Disposable;

export class JobActor {
  readonly #jobId: string;
  readonly #running: Promise<void>;
  #entry: (Runnable & Disposable) | undefined;
  #stopped = false;

  constructor(jobId: string, entry: CodeRef, args: readonly unknown[]) {
    this.#jobId = jobId;
    this.#running = this.#run(entry, args);
  }

  /** The job was stopped: ends the entry. Done when it has ended and closed what it had. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    const entry = this.#entry;
    try {
      // One that cannot be told to stop is ended with its process.
      if (!entry?.stop) return await this.#close();
      await entry.stop();
    } catch (error) {
      console.error(error);
    }
    await this.#running;
  }

  async #run(entry: CodeRef, args: readonly unknown[]): Promise<void> {
    const head = ownHead();
    await head.ask("jobRunning", this.#jobId);
    let outcome: Omit<JobOutcome, "jobId">;
    try {
      const Entry = (await loadCode(entry)) as unknown as EntryClass;
      if (this.#stopped) return;
      this.#entry = new Entry(...args);
      await this.#entry.run();
      await this.#close();
      outcome = { status: "SUCCEEDED", message: "Job finished successfully." };
    } catch (error) {
      if (!this.#stopped) console.error(error);
      await this.#close().catch((closing: unknown) => console.error(closing));
      const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      outcome = { status: "FAILED", message: text };
    }
    if (!this.#stopped) await head.ask("jobEnded", { jobId: this.#jobId, ...outcome });
  }

  async #close(): Promise<void> {
    const entry = this.#entry;
    const dispose = entry?.[Symbol.asyncDispose] ?? entry?.[Symbol.dispose];
    await dispose?.call(entry);
  }
}
