/** One incarnation of an engine's server: what the supervisor needs of it, whichever kind it is. */

import type { PublishedWeights } from "../learner/index.ts";
import type { Capability } from "./capabilities.ts";
import type { EngineHttp } from "./engine-http.ts";

/** How a server ended. */
export interface ServerEnd {
  readonly how: string;
  readonly lastOutput: readonly string[];
}

/**
 * Weights and the version that tokens made by them carry: in a folder, or as the learner has published them. Neither is
 * there where the server shares the learner's memory.
 */
export interface ServedWeights {
  readonly dir?: string;
  readonly published?: PublishedWeights;
  readonly version: number;
}

export interface RunningServer {
  /** False for a server in another's process: it cannot be ended or started again from here. */
  readonly isOurs: boolean;
  readonly http: EngineHttp;
  readonly version: string;
  readonly modelName: string;
  readonly capabilities: ReadonlySet<Capability>;
  /** Settles when the server's process is gone, with its whole process group; never for one that is not ours. */
  readonly ended: Promise<ServerEnd>;
  /**
   * Serves other weights from now on; `swapped` is told when they are in, before a generation goes on. When it throws,
   * nobody knows what is served: close this server.
   */
  loadWeights(weights: ServedWeights, swapped?: () => void): Promise<void>;
  /** Ends the server and everything it started: asked first, then forced. May be called twice. */
  close(): Promise<void>;
}
