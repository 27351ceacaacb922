// The one runtime of this process, between `init` and `shutdown`.
import type { RuntimeBackend } from "./core/index.ts";
import { RaySystemError } from "./errors/index.ts";
import { type InitOptions, startRuntime } from "./start-runtime.ts";

let current: RuntimeBackend | undefined;
let makeCurrent: (() => RuntimeBackend) | undefined;
let starting = false;

/** Gives this process, a host of the cluster, the runtime that its code uses; it is made when it is first used. */
export function adoptRuntime(make: () => RuntimeBackend): void {
  current = undefined;
  makeCurrent = make;
}

/**
 * Starts the runtime: connects to a cluster, starts one of this driver's own, or runs everything in this process. Throws
 * RaySystemError if it is started already, or if no head answers. Code inside an actor or a task need not call it.
 */
export async function init(options: InitOptions = {}): Promise<void> {
  if (makeCurrent) return;
  if (current || starting) throw new RaySystemError("init() was called already; call shutdown() first");
  starting = true;
  try {
    current = await startRuntime(options);
  } finally {
    starting = false;
  }
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
  if (!current) throw new RaySystemError("the runtime is not started: call init() first");
  return current;
}
