/** Spreads requests over several engines: where the prefix is cached, unless that engine is much busier than another. */

import type { Engine, GenerateReply, GenerateRequest } from "./engine.ts";
import { EngineDiedError, isRetryable } from "./errors.ts";

const PREFIX_TOKENS = 64;
const REMEMBERED = 50_000;

/** An engine that can also say whether it is back after a failure. */
export interface RoutedEngine extends Engine {
  health?(): Promise<{ readonly healthy: boolean }>;
}

export interface RouterOptions {
  /** Requests that the preferred engine may have under way beyond the least busy one. 8 by default. */
  readonly margin?: number;
  /** Least time between two questions whether a failed engine is back. 2,000 by default. */
  readonly retryAfterMs?: number;
  /** Which failures another engine may mend. By default those that say so of themselves. */
  readonly isRetryable?: (error: unknown) => boolean;
  /** A clock in milliseconds. */
  readonly now?: () => number;
}

interface Place {
  readonly engine: RoutedEngine;
  readonly index: number;
  inFlight: number;
  /** When it failed; undefined while it is healthy. */
  failedAt: number | undefined;
}

/** Picks a place; pure. The preferred one unless it is more than `margin` requests busier than the least busy. */
export function choosePlace<P extends { readonly index: number; readonly inFlight: number }>(
  places: readonly P[],
  preferred: number | undefined,
  margin: number,
): P | undefined {
  const least = places.reduce<P | undefined>((best, p) => (best && best.inFlight <= p.inFlight ? best : p), undefined);
  const wanted = places.find((place) => place.index === preferred);
  return wanted && least && wanted.inFlight <= least.inFlight + margin ? wanted : least;
}

/** An engine made of engines. A failed one is avoided until it is healthy; a retryable failure is tried once elsewhere. */
export class EngineRouter implements Engine {
  readonly #places: readonly Place[];
  readonly #margin: number;
  readonly #retryAfterMs: number;
  readonly #isRetryable: (error: unknown) => boolean;
  readonly #now: () => number;
  /** Which place served an affinity or a prompt's beginning last; the oldest are forgotten. */
  readonly #served = new Map<string, number>();

  constructor(engines: readonly RoutedEngine[], options: RouterOptions = {}) {
    if (engines.length === 0) throw new RangeError("EngineRouter: at least one engine is needed");
    this.#places = engines.map((engine, index) => ({ engine, index, inFlight: 0, failedAt: undefined }));
    this.#margin = options.margin ?? 8;
    this.#retryAfterMs = options.retryAfterMs ?? 2_000;
    this.#isRetryable = options.isRetryable ?? isRetryable;
    this.#now = options.now ?? (() => performance.now());
  }

  async generate(request: GenerateRequest): Promise<GenerateReply> {
    const first = this.#pick(request, undefined);
    try {
      return await this.#ask(first, request);
    } catch (error) {
      if (!this.#isRetryable(error) || this.#places.length === 1) throw error;
      return this.#ask(this.#pick(request, first.index), request);
    }
  }

  /** Requests under way on each engine. */
  load(): readonly number[] {
    return this.#places.map((place) => place.inFlight);
  }

  /** Engines that are avoided now, by index. */
  failed(): readonly number[] {
    return this.#places.filter((place) => place.failedAt !== undefined).map((place) => place.index);
  }

  #pick(request: GenerateRequest, except: number | undefined): Place {
    const others = this.#places.filter((place) => place.index !== except);
    const healthy = others.filter((place) => place.failedAt === undefined);
    for (const place of others) this.#askForHealth(place);
    const key = keyOf(request);
    // With none healthy, the one that failed first is the likeliest to be back.
    const candidates = healthy.length > 0 ? healthy : others.toSorted((a, b) => (a.failedAt ?? 0) - (b.failedAt ?? 0));
    const place = choosePlace(candidates, this.#served.get(key), this.#margin);
    if (place === undefined) throw new EngineDiedError({ during: "routing", how: "no other engine is there" });
    this.#remember(key, place.index);
    return place;
  }

  async #ask(place: Place, request: GenerateRequest): Promise<GenerateReply> {
    place.inFlight++;
    try {
      const reply = await place.engine.generate(request);
      place.failedAt = undefined;
      return reply;
    } catch (error) {
      if (this.#isRetryable(error)) place.failedAt = this.#now();
      throw error;
    } finally {
      place.inFlight--;
    }
  }

  /** Asks a failed engine in the background whether it is back; the request at hand does not wait for it. */
  #askForHealth(place: Place): void {
    if (place.failedAt === undefined || this.#now() - place.failedAt < this.#retryAfterMs) return;
    place.failedAt = this.#now();
    if (place.engine.health === undefined) {
      place.failedAt = undefined;
      return;
    }
    void place.engine.health().then(
      ({ healthy }) => {
        if (healthy) place.failedAt = undefined;
      },
      () => {},
    );
  }

  #remember(key: string, index: number): void {
    this.#served.delete(key);
    this.#served.set(key, index);
    if (this.#served.size <= REMEMBERED) return;
    const oldest = this.#served.keys().next();
    if (!oldest.done) this.#served.delete(oldest.value);
  }
}

function keyOf(request: GenerateRequest): string {
  return request.affinity ?? `prefix:${request.promptIds.slice(0, PREFIX_TOKENS).join(",")}`;
}
