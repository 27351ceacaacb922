// The one runtime of this process, between `init` and `shutdown`.
import type { RuntimeBackend } from "./core/index.ts";
import { InvalidOptionError, RaySystemError } from "./errors/index.ts";
import { LocalRuntime } from "./local/index.ts";

/** Options of `init`. */
export interface InitOptions {
  /** Runs everything in this process. Has to be true in this version: there is no cluster yet. */
  readonly local?: boolean;
  /** Default: the processors this process may use. */
  readonly numCpus?: number;
  /** Default: the GPUs found. More than there are gives pretended ones, for trying things out. */
  readonly numGpus?: number;
  /** Bytes. Default: the machine's memory. */
  readonly memory?: number;
  /** Custom resources of the node. */
  readonly resources?: Readonly<Record<string, number>>;
  /** Labels of the node. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Where names of actors are looked up. Default: one of this job's own. */
  readonly namespace?: string;
  /**
   * Sends every call, result and error through the codec and frames of the wire, so that values are copied as they will
   * be between processes. Default false: caller and actor share their objects.
   */
  readonly wire?: boolean;
}

let current: RuntimeBackend | undefined;
let makeCurrent: (() => RuntimeBackend) | undefined;

/** Gives this process, a host of the cluster, the runtime that its code uses; it is made when it is first used. */
export function adoptRuntime(make: () => RuntimeBackend): void {
  current = undefined;
  makeCurrent = make;
}

const known = ["local", "numCpus", "numGpus", "memory", "resources", "labels", "namespace", "wire"];

/** Starts the runtime. Throws RaySystemError if it is started already. */
export async function init(options: InitOptions): Promise<void> {
  if (current) throw new RaySystemError("init() was called already; call shutdown() first");
  for (const [key, value] of Object.entries(options)) {
    if (!known.includes(key)) throw InvalidOptionError.of(key, `one of the options ${known.join(", ")}`, value);
  }
  if (options.local !== true) {
    throw new RaySystemError(
      "init() needs { local: true }: this version has the local runtime only, the cluster is not there yet",
    );
  }
  const { local: _, namespace = `anonymous-${process.pid}`, wire = false, ...node } = options;
  current = new LocalRuntime({ ...node, namespace, wire });
}

/** Ends all tasks and actors and the runtime. May be called at any time, and twice. */
export async function shutdown(): Promise<void> {
  const ending = current;
  try {
    await ending?.shutdown();
  } finally {
    if (current === ending) current = undefined;
  }
}

export function isInitialized(): boolean {
  return current !== undefined || makeCurrent !== undefined;
}

/** The runtime; throws RaySystemError before `init`. */
export function runtime(): RuntimeBackend {
  current ??= makeCurrent?.();
  if (!current) throw new RaySystemError("the runtime is not started: call init({ local: true }) first");
  return current;
}
