/** An engine in another process, as its actor's handle shows it. */

import type { GenerateReply, GenerateRequest } from "./engine.ts";
import type { RoutedEngine } from "./router.ts";

/** What is called of an InferenceActor through its handle. Unlike an object with methods, a handle may be sent. */
export interface EngineHandle {
  readonly generate: { remote(request: GenerateRequest): PromiseLike<GenerateReply> };
  readonly health: { remote(): PromiseLike<{ readonly healthy: boolean }> };
}

/** The engine itself, or one that asks through the handle. */
export function engineOf(given: RoutedEngine | EngineHandle): RoutedEngine {
  if (!isHandle(given)) return given;
  return {
    generate: async (request) => given.generate.remote(request),
    health: async () => given.health.remote(),
  };
}

function isHandle(given: RoutedEngine | EngineHandle): given is EngineHandle {
  return typeof given.generate !== "function";
}
