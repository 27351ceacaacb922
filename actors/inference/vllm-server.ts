/** One vLLM server: started through our launcher, waited for, asked what it can do, fed with weights, ended whole. */

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { WeightGroupPlace } from "../learner/index.ts";
import { pythonPath } from "../learner/index.ts";
import { type Capability, readCapabilities } from "./capabilities.ts";
import { EngineHttp } from "./engine-http.ts";
import { EngineProcess } from "./engine-process.ts";
import { BadWeightsError, EngineRequestError, EngineStartError } from "./errors.ts";
import type { InferenceTimeouts, VllmOptions } from "./options.ts";
import { type PrivateSocket, privateSocket } from "./private-socket.ts";
import type { RunningServer, ServedWeights, ServerEnd } from "./running-server.ts";
import { MODEL_NAME, vllmArguments, vllmEnvironment } from "./vllm-arguments.ts";
import { RESUME, runSteps, swapSteps } from "./weight-swap.ts";

const LAUNCHER = fileURLToPath(new URL("vllm_launcher.py", import.meta.url));
const POLL_MS = 250;

export interface VllmServerOptions {
  readonly modelPath: string;
  readonly logDir: string;
  readonly vllm: VllmOptions;
  readonly timeouts: InferenceTimeouts;
  /** Variables of the server beside those of this process and of `vllm`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Another program in vLLM's place, for tests. */
  readonly command?: readonly string[];
  readonly onEvent?: (line: string) => void;
  /** Ends a start that is under way. */
  readonly signal?: AbortSignal;
}

/** A healthy vLLM server. */
export class VllmServer implements RunningServer {
  readonly isOurs = true;
  readonly modelName = MODEL_NAME;
  readonly http: EngineHttp;
  readonly version: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly ended: Promise<ServerEnd>;
  readonly #process: EngineProcess;
  readonly #socket: PrivateSocket;
  readonly #timeouts: InferenceTimeouts;

  private constructor(parts: {
    process: EngineProcess;
    socket: PrivateSocket;
    http: EngineHttp;
    timeouts: InferenceTimeouts;
    version: string;
    capabilities: ReadonlySet<Capability>;
  }) {
    this.#process = parts.process;
    this.#socket = parts.socket;
    this.#timeouts = parts.timeouts;
    this.http = parts.http;
    this.version = parts.version;
    this.capabilities = parts.capabilities;
    this.ended = parts.process.ended;
  }

  /** The leader of the server's process group. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Starts a server and waits until it is healthy. Throws `EngineStartError` with its last lines when it is not. */
  static async start(options: VllmServerOptions): Promise<VllmServer> {
    const socket = await privateSocket();
    const logFile = join(options.logDir, "vllm.log");
    const [command, ...first] = options.command ?? [pythonPath(), LAUNCHER];
    const process = new EngineProcess({
      command: command as string,
      args: [...first, ...vllmArguments(options.modelPath, socket.path, options.vllm)],
      environment: { ...vllmEnvironment(options.vllm), ...options.environment },
      logFile,
    });
    const http = new EngineHttp(socket.path);
    try {
      await untilHealthy(http, process, options, logFile);
      const ask = { method: "GET", timeoutMs: options.timeouts.healthMs } as const;
      const version = (await http.json({ ...ask, path: "/version" })) as { version?: string } | null;
      const capabilities = readCapabilities(await http.json({ ...ask, path: "/openapi.json" }));
      if (!capabilities.has("return_token_ids")) {
        throw new EngineStartError({
          why: `vLLM ${version?.version ?? "of an unknown version"} cannot return token ids; 0.11 or newer can`,
          logFile,
          lastOutput: [],
        });
      }
      return new VllmServer({
        process,
        socket,
        http,
        timeouts: options.timeouts,
        version: version?.version ?? "unknown",
        capabilities: options.vllm.sleepMode ? capabilities : withoutSleep(capabilities),
      });
    } catch (error) {
      await process.end(options.timeouts.endMs);
      await http.close();
      await socket.remove();
      throw error;
    }
  }

  async loadWeights(weights: ServedWeights, swapped: () => void = () => {}): Promise<void> {
    if (weights.dir === undefined && weights.published === undefined) throw new Error("vLLM needs weights to load");
    const timeoutMs = this.#timeouts.swapStepMs;
    const steps = swapSteps(this.capabilities, weights, timeoutMs);
    if (steps.length === 0) {
      const message = `vLLM ${this.version} cannot reload weights; 0.17 or newer can`;
      throw new EngineRequestError({ during: "weight swap", status: 404, message });
    }
    const goOn = steps.findIndex((step) => step.path === RESUME);
    const resume = goOn < 0 ? [] : steps.slice(goOn);
    try {
      await runSteps(this.http, goOn < 0 ? steps : steps.slice(0, goOn), timeoutMs);
    } catch (error) {
      // Refused before anything was touched: what it served goes on.
      if (error instanceof BadWeightsError) await runSteps(this.http, resume, timeoutMs);
      throw error;
    }
    swapped();
    await runSteps(this.http, resume, timeoutMs);
  }

  /** Has every worker of this server join the learner's weight group. Throws when one cannot. */
  async joinWeightGroup(place: WeightGroupPlace): Promise<void> {
    const { timeoutSeconds: timeout_seconds, ...where } = place;
    const kwargs = { group: { ...where, timeout_seconds } };
    const body = { method: "join_weight_group", kwargs, timeout: timeout_seconds };
    await runSteps(this.http, [{ path: "/collective_rpc", body }], this.#timeouts.swapStepMs);
  }

  async close(): Promise<void> {
    await this.#process.end(this.#timeouts.endMs);
    await this.http.close();
    await this.#socket.remove();
  }
}

/** Without `--enable-sleep-mode` the routes are there all the same: they free nothing, and may even say that it sleeps. */
function withoutSleep(capabilities: ReadonlySet<Capability>): ReadonlySet<Capability> {
  return new Set([...capabilities].filter((name) => name !== "sleep" && name !== "wake_tags"));
}

async function untilHealthy(
  http: EngineHttp,
  process: EngineProcess,
  options: VllmServerOptions,
  logFile: string,
): Promise<void> {
  const began = performance.now();
  let said = began;
  for (;;) {
    const lastOutput = process.lastLines();
    const waitedMs = performance.now() - began;
    options.signal?.throwIfAborted();
    if (process.isOver) throw new EngineStartError({ why: (await process.ended).how, logFile, lastOutput });
    if (waitedMs > options.timeouts.startMs) {
      const why = `it was not healthy after ${Math.round(waitedMs / 1000)} s`;
      throw new EngineStartError({ why, logFile, lastOutput });
    }
    try {
      await http.json({ method: "GET", path: "/health", timeoutMs: options.timeouts.healthMs });
      return;
    } catch {
      // Not listening yet.
    }
    if (performance.now() - said > 10_000) {
      said = performance.now();
      options.onEvent?.(`vLLM is starting (${Math.round(waitedMs / 1000)} s)`);
    }
    await Promise.race([sleep(POLL_MS), process.ended]);
  }
}
