/** The embedded engine: attached to the learner's process, or in a kernel process of its own. */

import { join } from "node:path";
import { KernelProcess } from "../learner/index.ts";
import { type Capability, readCapabilities } from "./capabilities.ts";
import { EngineHttp } from "./engine-http.ts";
import { EngineStartError } from "./errors.ts";
import type { EmbeddedOptions, InferenceTimeouts } from "./options.ts";
import { type PrivateSocket, privateSocket } from "./private-socket.ts";
import type { RunningServer, ServedWeights, ServerEnd } from "./running-server.ts";
import { runSteps } from "./weight-swap.ts";

const defaults: EmbeddedOptions = { dtype: "float32", device: "auto", deterministic: false, maxBatch: 128 };

export interface KernelServerOptions {
  readonly modelPath: string;
  readonly logDir: string;
  /** Attach to this socket; without it a kernel process is started. */
  readonly socketPath?: string;
  readonly embedded?: Partial<EmbeddedOptions>;
  readonly timeouts: InferenceTimeouts;
  /** Variables of a kernel of our own, beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Ends a start that is under way. */
  readonly signal?: AbortSignal;
}

/** A healthy embedded engine. */
export class KernelServer implements RunningServer {
  readonly modelName = "model";
  readonly http: EngineHttp;
  readonly version: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly ended: Promise<ServerEnd>;
  readonly isOurs: boolean;
  readonly #kernel: KernelProcess | undefined;
  readonly #socket: PrivateSocket | undefined;
  readonly #timeouts: InferenceTimeouts;

  private constructor(parts: {
    http: EngineHttp;
    version: string;
    capabilities: ReadonlySet<Capability>;
    timeouts: InferenceTimeouts;
    kernel?: KernelProcess | undefined;
    socket?: PrivateSocket | undefined;
  }) {
    this.http = parts.http;
    this.version = parts.version;
    this.capabilities = parts.capabilities;
    this.#timeouts = parts.timeouts;
    this.isOurs = parts.kernel !== undefined;
    this.#kernel = parts.kernel;
    this.#socket = parts.socket;
    this.ended = endOf(parts.kernel);
  }

  /** The kernel's process id, where it is ours. */
  get pid(): number | undefined {
    return this.#kernel?.pid;
  }

  static async start(options: KernelServerOptions): Promise<KernelServer> {
    const ask = { method: "GET", timeoutMs: options.timeouts.healthMs } as const;
    const own = options.socketPath === undefined ? await startKernel(options) : undefined;
    const http = new EngineHttp(own?.socket.path ?? (options.socketPath as string));
    try {
      const version = (await http.json({ ...ask, path: "/version" })) as { version?: string } | null;
      const capabilities = readCapabilities(await http.json({ ...ask, path: "/openapi.json" }));
      const { timeouts } = options;
      return new KernelServer({ http, version: version?.version ?? "unknown", capabilities, timeouts, ...own });
    } catch (error) {
      await http.close();
      await own?.kernel.close();
      await own?.socket.remove();
      throw error;
    }
  }

  async loadWeights(weights: ServedWeights): Promise<void> {
    const version = { path: "/update_weight_version", body: { new_version: String(weights.version) } };
    const timeoutMs = this.#timeouts.swapStepMs;
    if (this.#kernel === undefined) {
      // The learner's own weights: they are new already, and the version drops what older ones had computed.
      await runSteps(this.http, [version], timeoutMs);
      return;
    }
    if (weights.dir === undefined) throw new Error("an engine in a process of its own needs a folder of weights");
    await runSteps(this.http, [{ path: "/pause?mode=keep" }], timeoutMs);
    await this.#kernel.call("update_weights", { dir: weights.dir });
    await runSteps(this.http, [version, { path: "/reset_prefix_cache" }, { path: "/resume" }], timeoutMs);
  }

  async close(): Promise<void> {
    await this.http.close();
    await this.#kernel?.close(this.#timeouts.endMs);
    await this.#socket?.remove();
  }
}

/** How our kernel ended; for another's process a promise that stays open. */
async function endOf(kernel: KernelProcess | undefined): Promise<ServerEnd> {
  if (kernel === undefined) return new Promise(() => {});
  const end = await kernel.ended;
  return {
    how: end.signal === undefined ? `exit code ${end.exitCode ?? "unknown"}` : `ended by ${end.signal}`,
    lastOutput: end.lastOutput,
  };
}

async function startKernel(options: KernelServerOptions): Promise<{ kernel: KernelProcess; socket: PrivateSocket }> {
  const { dtype, device, deterministic, maxBatch } = { ...defaults, ...options.embedded };
  const socket = await privateSocket();
  const kernel = new KernelProcess({
    logDir: options.logDir,
    name: "engine",
    // Threads that wait without giving up their core make a busy machine ten times slower.
    environment: { OMP_WAIT_POLICY: process.env["OMP_WAIT_POLICY"] ?? "PASSIVE", ...options.environment },
  });
  const giveUp = AbortSignal.any([
    AbortSignal.timeout(options.timeouts.startMs),
    ...(options.signal ? [options.signal] : []),
  ]);
  const end = (): void => void kernel.close(0);
  giveUp.addEventListener("abort", end);
  try {
    await kernel.call("load", {
      model_path: options.modelPath,
      dtype,
      device,
      seed: 0,
      gradient_checkpointing: false,
      reference: false,
      trainable: false,
    });
    await kernel.call("serve", { socket: socket.path, deterministic, max_batch: maxBatch });
    return { kernel, socket };
  } catch (cause) {
    await kernel.close();
    await socket.remove();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EngineStartError({ why, logFile: join(options.logDir, "engine.log"), lastOutput: [] }, { cause });
  } finally {
    giveUp.removeEventListener("abort", end);
  }
}
