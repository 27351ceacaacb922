// The errors that callers of one actor get when it cannot answer.
import type { ActorId, DeathCause } from "../core/index.ts";
import {
  ActorDiedError,
  type ActorFacts,
  ActorPlacementGroupRemoved,
  ActorUnavailableError,
  ActorUnschedulableError,
} from "../errors/index.ts";

export class ActorFailures {
  readonly #facts: ActorFacts;
  readonly #what: string;

  constructor(actorId: ActorId, className: string, name: string | undefined) {
    this.#facts = { actorId, className, actorName: name };
    this.#what = `Actor ${className}${name === undefined ? "" : ` "${name}"`}`;
  }

  died({ message }: DeathCause, cause?: unknown): ActorDiedError {
    return new ActorDiedError(`${this.#what} is dead: ${message}`, this.#facts, cause === undefined ? {} : { cause });
  }

  unavailable(): ActorUnavailableError {
    return new ActorUnavailableError(`${this.#what} is restarting; the call may or may not have run`, this.#facts);
  }

  unschedulable(reasons: readonly string[]): ActorUnschedulableError {
    const facts = { ...this.#facts, reasons };
    return new ActorUnschedulableError(`${this.#what} can never be placed: ${reasons.join("; ")}`, facts);
  }

  groupRemoved(message: string): ActorPlacementGroupRemoved {
    return new ActorPlacementGroupRemoved(`${this.#what} is dead: ${message}`, this.#facts);
  }
}
