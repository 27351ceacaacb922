/** The sandbox where there is no bubblewrap: Python compiled to WebAssembly, in worker threads that are ended from here. */

import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import type { CompleteLimits } from "./limits.ts";
import { type RawRun, resultOf } from "./result.ts";
import { type Sandbox, SandboxError, type SandboxResult } from "./sandbox.ts";
import { Slots } from "./slots.ts";

type Message =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly returnCode: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: "flood"; readonly stdout: string; readonly stderr: string }
  | { readonly kind: "broken"; readonly message: string; readonly stdout: string; readonly stderr: string };

/** Python needs this much before the first line of code runs. */
const leastMemoryBytes = 64 * 2 ** 20;
/** Each thread holds an own Python of some 150 MB. */
const mostThreads = 4;

export class PyodideSandbox implements Sandbox {
  readonly kind = "pyodide";
  readonly #limits: CompleteLimits;
  readonly #runnerSource: string;
  readonly #slots: Slots;
  readonly #idle: Promise<PyodideThread>[] = [];
  readonly #all = new Set<PyodideThread>();
  #closed = false;

  private constructor(limits: CompleteLimits, runnerSource: string) {
    this.#limits = limits;
    this.#runnerSource = runnerSource;
    this.#slots = new Slots(Math.min(Math.floor(limits.concurrency), mostThreads));
  }

  /** Loads a first Python (a second or two). Throws a {@link SandboxError} when it does not load. */
  static async open(limits: CompleteLimits): Promise<PyodideSandbox> {
    const runnerSource = await readFile(new URL("pyodide_runner.py", import.meta.url), "utf8");
    const sandbox = new PyodideSandbox(limits, runnerSource);
    const first = await sandbox.#start();
    sandbox.#idle.push(Promise.resolve(first));
    return sandbox;
  }

  async run(code: string, signal?: AbortSignal): Promise<SandboxResult> {
    const release = await this.#slots.take(signal);
    try {
      return resultOf(await this.#runOn(await this.#take(), code, signal), this.#limits);
    } finally {
      release();
    }
  }

  async #runOn(thread: PyodideThread, code: string, signal: AbortSignal | undefined): Promise<RawRun> {
    const end = (): void => {
      void thread.end(signal?.reason);
    };
    signal?.addEventListener("abort", end, { once: true });
    try {
      signal?.throwIfAborted();
      return await thread.run(code, this.#limits.timeMs);
    } finally {
      signal?.removeEventListener("abort", end);
      this.#putBack(thread);
    }
  }

  /** A thread that lives is used again; for one that was ended the next is started at once. */
  #putBack(thread: PyodideThread): void {
    if (thread.isAlive) {
      this.#idle.push(Promise.resolve(thread));
      return;
    }
    this.#all.delete(thread);
    if (this.#closed) return;
    const next = this.#start();
    next.catch(() => undefined);
    this.#idle.push(next);
  }

  async #take(): Promise<PyodideThread> {
    if (this.#closed) throw new SandboxError("the sandbox is closed");
    return (await this.#idle.pop()) ?? this.#start();
  }

  async #start(): Promise<PyodideThread> {
    const thread = new PyodideThread(this.#limits, this.#runnerSource);
    this.#all.add(thread);
    await thread.ready();
    return thread;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const reason = new SandboxError("the sandbox is closed");
    this.#slots.close(reason);
    await Promise.all([...this.#all].map((thread) => thread.end(reason)));
    this.#all.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** One worker thread with one Python in it. */
class PyodideThread {
  isAlive = true;
  readonly #worker: Worker;
  readonly #ready: Promise<void>;
  #isReady: (() => void) | undefined;
  #fail: ((reason: unknown) => void) | undefined;
  #finish: ((message: Exclude<Message, { kind: "ready" }>) => void) | undefined;
  #failure: unknown;

  constructor(limits: CompleteLimits, runnerSource: string) {
    const { outputBytes, fileBytes } = limits;
    const memoryBytes = Math.max(limits.memoryBytes, leastMemoryBytes);
    this.#worker = new Worker(new URL("pyodide-worker.js", import.meta.url), {
      workerData: { memoryBytes, outputBytes, fileBytes, runnerSource },
      env: {},
      argv: [],
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    this.#ready = new Promise((resolve, reject) => {
      this.#isReady = resolve;
      this.#fail = reject;
    });
    this.#ready.catch(() => undefined);
    this.#worker.on("message", (message: Message) => {
      if (message.kind === "ready") this.#isReady?.();
      else this.#finish?.(message);
    });
    this.#worker.on("error", (error) => void this.end(new SandboxError(`Pyodide: ${error.message}`, { cause: error })));
    this.#worker.on("exit", () => void this.end(new SandboxError("Pyodide ended")));
  }

  async ready(): Promise<void> {
    await this.#ready;
  }

  /** Runs one piece of code; one that does not end, floods or breaks Python ends the thread. */
  async run(code: string, timeMs: number): Promise<RawRun> {
    let timer: NodeJS.Timeout | undefined;
    try {
      const message = await new Promise<Exclude<Message, { kind: "ready" }> | undefined>((resolve, reject) => {
        if (!this.isAlive) return reject(this.#failure);
        this.#finish = resolve;
        this.#fail = reject;
        timer = setTimeout(resolve, timeMs, undefined);
        this.#worker.postMessage(code);
      });
      if (message?.kind === "done") return { ...message, stoppedBy: undefined };
      void this.end(new SandboxError("the code was stopped"));
      if (!message) return { returnCode: -1, stdout: "", stderr: "", stoppedBy: "time" };
      const { stdout, stderr } = message;
      if (message.kind === "flood") return { returnCode: -1, stdout, stderr, stoppedBy: "output" };
      return { returnCode: -1, stdout, stderr: stderr + message.message, stoppedBy: "death" };
    } finally {
      clearTimeout(timer);
      this.#finish = undefined;
    }
  }

  /** Ends the thread; what waits on it fails with `reason`. */
  async end(reason: unknown): Promise<void> {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#failure = reason;
    this.#fail?.(reason);
    await this.#worker.terminate();
  }
}
