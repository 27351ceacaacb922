/** Keeps one engine alive: starts it, watches it, starts it again with the weights it should have, swaps weights. */

import { setTimeout as sleep } from "node:timers/promises";
import { completionBody, readCompletion, readStream, type VersionSource } from "./completion.ts";
import type { Engine, GenerateReply, GenerateRequest } from "./engine.ts";
import { BadWeightsError, EngineDiedError, EngineTimeoutError, WeightSwapError } from "./errors.ts";
import { watchHealth } from "./health-watch.ts";
import type { InferenceTimeouts } from "./options.ts";
import type { RunningServer, ServedWeights, ServerEnd } from "./running-server.ts";
import { sleepServer, wakeServer } from "./sleep.ts";

const END_NEWS_MS = 10_000;

export interface SupervisedEngineOptions {
  /** Makes a server that serves the initial weights; gives up when the signal fires. */
  readonly start: (signal: AbortSignal) => Promise<RunningServer>;
  readonly initial: ServedWeights;
  /** Makes sure that weights lie in a folder, for a server that starts again with them. */
  readonly stored: (weights: ServedWeights) => Promise<ServedWeights>;
  readonly timeouts: InferenceTimeouts;
  readonly maxRestarts: number;
  /** Weights change under running generations. */
  readonly partialRollouts?: boolean;
  readonly onEvent: (line: string) => void;
}

/** `starting` also means: starting again after a crash. */
export type EngineState = "new" | "starting" | "ready" | "asleep" | "failed" | "closed";

export class SupervisedEngine implements Engine {
  readonly #options: SupervisedEngineOptions;
  /** The server, or the one that is being started; rejects when there will be none. */
  #server: Promise<RunningServer> | undefined;
  #state: EngineState = "new";
  #weights: ServedWeights;
  /** Version of the tokens that arrive, from the moment of a swap. */
  #arriving: number | undefined;
  #sleepLevel = 0;
  #restarts = 0;
  #inFlight = 0;
  #work: Promise<unknown> = Promise.resolve();
  #stopWatching = (): void => {};
  readonly #closing = new AbortController();

  constructor(options: SupervisedEngineOptions) {
    this.#options = options;
    this.#weights = options.initial;
  }

  get state(): EngineState {
    return this.#state;
  }

  /** Version of the weights that are served. */
  get weightVersion(): number {
    return this.#weights.version;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Starts the server; one attempt, whose error says what it printed. */
  async start(): Promise<RunningServer> {
    this.#server = this.#incarnate();
    return this.#server;
  }

  /** Waits while the server starts again, bounded by the request's own time. Rejects with an `EngineError`. */
  async generate(request: GenerateRequest): Promise<GenerateReply> {
    this.#inFlight++;
    try {
      const server = await this.#ready(this.#options.timeouts.requestMs);
      try {
        return await this.#ask(server, request);
      } catch (error) {
        // The end of a process is told a moment after its socket refuses: what it never saw goes to its successor.
        if (!(error instanceof EngineDiedError && error.isUnseen && server.isOurs)) throw error;
        await Promise.race([server.ended, sleep(END_NEWS_MS, undefined, { ref: false })]);
        return await this.#ask(await this.#ready(this.#options.timeouts.requestMs), request);
      }
    } finally {
      this.#inFlight--;
    }
  }

  /**
   * Serves other weights. When that fails, the server is started again with those it had, and the swap tried once more
   * if the server had died; then `WeightSwapError`.
   */
  setWeights(weights: ServedWeights): Promise<void> {
    return this.#inTurn(async () => {
      for (let attempt = 1; ; attempt++) {
        const server = await this.#ready(this.#options.timeouts.startMs);
        try {
          await server.loadWeights(weights, () => {
            this.#arriving = weights.version;
          });
          this.#weights = weights;
          return;
        } catch (cause) {
          this.#arriving = undefined;
          const why = cause instanceof Error ? cause.message : String(cause);
          const facts = { version: weights.version, servedVersion: this.weightVersion, why };
          if (cause instanceof BadWeightsError) throw new WeightSwapError(facts, { cause });
          this.#options.onEvent(`loading weights of version ${weights.version} failed (${why}); starting again`);
          await this.#recycle(server);
          if (cause instanceof EngineDiedError && attempt === 1) continue;
          throw new WeightSwapError(facts, { cause });
        }
      }
    });
  }

  /** Frees the engine's memory: level 1 keeps the weights in main memory, level 2 drops them. */
  sleep(level: 1 | 2): Promise<void> {
    return this.#inTurn(async () => {
      const server = await this.#ready(this.#options.timeouts.startMs);
      await sleepServer(server, level, this.#options.timeouts.sleepMs);
      this.#sleepLevel = level;
      this.#state = "asleep";
    });
  }

  /** Ends a sleep; after level 2 the weights are loaded again first. Does nothing for an engine that is awake. */
  wake(): Promise<void> {
    return this.#inTurn(async () => {
      const server = await this.#ready(this.#options.timeouts.startMs);
      if (this.#sleepLevel === 0) return;
      await wakeServer(server, this.#sleepLevel, this.#weights, this.#options.timeouts.sleepMs);
      this.#sleepLevel = 0;
      this.#state = "ready";
    });
  }

  /** Runs `work` on the server that is there, between swaps. */
  withServer<T>(work: (server: RunningServer) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => work(await this.#ready(this.#options.timeouts.startMs)));
  }

  async resetPrefixCache(): Promise<void> {
    const server = await this.#ready(this.#options.timeouts.startMs);
    const timeoutMs = this.#options.timeouts.swapStepMs;
    await server.http.json({ method: "POST", path: "/reset_prefix_cache", timeoutMs });
  }

  /** True when the server answers now. */
  async healthy(): Promise<boolean> {
    if (this.#state !== "ready" && this.#state !== "asleep") return false;
    try {
      const server = await this.#ready(this.#options.timeouts.healthMs);
      await server.http.json({ method: "GET", path: "/health", timeoutMs: this.#options.timeouts.healthMs });
      return true;
    } catch {
      return false;
    }
  }

  /** Ends the server. Requests under way fail with `EngineDiedError`. May be called twice. */
  async close(): Promise<void> {
    this.#state = "closed";
    this.#stopWatching();
    this.#closing.abort(new EngineDiedError({ during: "start", how: "it was closed" }));
    await this.#server?.then((server) => server.close()).catch(() => {});
  }

  async #ask(server: RunningServer, request: GenerateRequest): Promise<GenerateReply> {
    const version = this.weightVersion;
    const source = this.#versionSource(server);
    const asked = {
      method: "POST",
      path: "/v1/completions",
      body: completionBody(request, server.modelName, source),
      timeoutMs: this.#options.timeouts.requestMs,
    } as const;
    const reply =
      source === "stream"
        ? await readStream(server.http.events(asked), () => this.#arriving ?? this.weightVersion)
        : readCompletion(await server.http.json(asked), version);
    this.#restarts = 0;
    return reply;
  }

  #versionSource({ capabilities }: RunningServer): VersionSource {
    if (capabilities.has("return_weight_versions")) return "server";
    return this.#options.partialRollouts === true && capabilities.has("pause_keep") ? "stream" : "request";
  }

  async #incarnate(): Promise<RunningServer> {
    this.#state = "starting";
    const server = await this.#options.start(this.#closing.signal);
    try {
      if (this.#weights !== this.#options.initial) await this.#loadAgain(server);
      this.#closing.signal.throwIfAborted();
    } catch (error) {
      await server.close();
      throw error;
    }
    this.#state = "ready";
    this.#sleepLevel = 0;
    if (server.isOurs) {
      this.#stopWatching = watchHealth(server, this.#options.timeouts, (why) => {
        this.#options.onEvent(`the engine ${why}; ending it`);
        void server.close();
      });
      void server.ended.then((end) => this.#afterEnd(server, end));
    }
    return server;
  }

  /** What was published may be newer by now than what was served: the version is that of what was found. */
  async #loadAgain(server: RunningServer): Promise<void> {
    const stored = await this.#options.stored(this.#weights);
    await server.loadWeights(stored);
    if (stored.version !== this.#weights.version) this.#weights = { ...this.#weights, version: stored.version };
  }

  #afterEnd(server: RunningServer, end: ServerEnd): void {
    this.#stopWatching();
    void server.close();
    if (this.#isClosed()) return;
    this.#options.onEvent(`the engine ended (${end.how}); starting it again`);
    this.#server = this.#restart(end);
    // Those who wait for it are told; when nobody waits, the next request is.
    this.#server.catch(() => {});
  }

  async #restart(end: ServerEnd): Promise<RunningServer> {
    let last: unknown;
    while (this.#restarts < this.#options.maxRestarts && !this.#isClosed()) {
      this.#restarts++;
      try {
        const server = await this.#incarnate();
        this.#options.onEvent(`the engine is back, with weights of version ${this.weightVersion}`);
        return server;
      } catch (error) {
        last = error;
        this.#options.onEvent(`the engine did not come back: ${error instanceof Error ? error.message : error}`);
      }
    }
    if (!this.#isClosed()) this.#state = "failed";
    const how = this.#isClosed() ? "it was closed" : `${end.how}, and it did not come back`;
    throw new EngineDiedError({ during: "restart", how, lastOutput: end.lastOutput }, { cause: last });
  }

  /** Ends a server whose weights nobody knows, and waits for the one that follows it. */
  async #recycle(server: RunningServer): Promise<void> {
    if (!server.isOurs) return;
    await server.close();
    await this.#ready(this.#options.timeouts.startMs);
  }

  async #ready(waitMs: number): Promise<RunningServer> {
    if (this.#isClosed() || this.#server === undefined) {
      throw new EngineDiedError({
        during: "a request",
        how: this.#isClosed() ? "it was closed" : "it was not started",
      });
    }
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      const error = new EngineTimeoutError({ during: "a start", waitedMs: waitMs });
      timer = setTimeout(() => reject(error), waitMs);
    });
    try {
      return await Promise.race([this.#server, limit]);
    } finally {
      clearTimeout(timer);
    }
  }

  #isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Swaps, sleeps and wakes run one after another. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#work.then(work);
    this.#work = result.catch(() => {});
    return result;
  }
}
