/** Several RolloutActors as one: each episode goes to the least busy, and an actor that died is made again. */

import { type Episode, type EpisodeRequest, failedEpisode } from "../../actors/index.ts";
import { type ObjectRef, RayActorError } from "../../runtime/index.ts";
import { endActor } from "./end-actor.ts";

/** What of a RolloutActor's handle is called here. */
export interface RolloutHandle {
  readonly runEpisode: { remote(request: EpisodeRequest): ObjectRef<Episode> };
  readonly close: { remote(): ObjectRef<void> };
}

export interface RolloutPoolOptions {
  readonly actors: number;
  /** Makes an actor and starts it. */
  readonly make: () => Promise<RolloutHandle>;
  readonly say: (line: string) => void;
}

interface Place {
  actor: Promise<RolloutHandle>;
  running: number;
}

export class RolloutPool {
  readonly #options: RolloutPoolOptions;
  readonly #places: readonly Place[];
  #isClosed = false;

  private constructor(options: RolloutPoolOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.actors }, () => ({ actor: options.make(), running: 0 }));
  }

  /** Starts all actors. When one does not start, the others are closed again. */
  static async start(options: RolloutPoolOptions): Promise<RolloutPool> {
    const pool = new RolloutPool(options);
    const outcomes = await Promise.allSettled(pool.#places.map((place) => place.actor));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed === undefined) return pool;
    await pool.close();
    throw failed.reason;
  }

  /** Runs an episode. The death of its actor is the episode's failure; it rejects when no new actor can be started. */
  async run(request: EpisodeRequest): Promise<Episode> {
    const place = this.#places.reduce((least, each) => (each.running < least.running ? each : least));
    place.running++;
    const { actor } = place;
    try {
      const handle = await actor;
      return await handle.runEpisode.remote(request);
    } catch (error) {
      if (!(error instanceof RayActorError) || this.#isClosed) throw error;
      this.#replace(place, actor, error);
      return failedEpisode(request, error.message);
    } finally {
      place.running--;
    }
  }

  /** Ends the actors. May be called twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#places.map(async ({ actor }) => endActor(await actor)));
  }

  #replace(place: Place, dead: Promise<RolloutHandle>, error: Error): void {
    if (place.actor !== dead) return;
    this.#options.say(`a RolloutActor died (${error.message}); starting another`);
    place.actor = this.#options.make();
    // Whoever is given this place is told.
    place.actor.catch(() => {});
  }
}
