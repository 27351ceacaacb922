// Handles that overtake the word of their actor's creation: the process that made the actor hands its handle on directly,
// and whoever got it may reach the head first.

/** The creation may be on its way for so long. */
const onTheWayMs = 30_000;

export class EarlyHolds {
  readonly #holders = new Map<string, Set<string>>();

  /** A process has a handle of an actor that is not known (yet). */
  add(actorId: string, processId: string): void {
    const known = this.#holders.get(actorId);
    if (known) {
      known.add(processId);
      return;
    }
    this.#holders.set(actorId, new Set([processId]));
    setTimeout(() => this.#holders.delete(actorId), onTheWayMs).unref();
  }

  /** The actor is known now: who has handles of it. */
  take(actorId: string): readonly string[] {
    const holders = [...(this.#holders.get(actorId) ?? [])];
    this.#holders.delete(actorId);
    return holders;
  }
}
