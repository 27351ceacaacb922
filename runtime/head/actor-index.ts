// The actors by all that they are looked for by, so that no event of one makes the head look at every other.
import type { ActorRecord } from "./actor-record.ts";

/** Actors by one key; a key without any is not kept. */
class Shelf {
  readonly #actors = new Map<string, Set<ActorRecord>>();

  /** A list of its own: the actors may change while it is gone through. */
  get(key: string): readonly ActorRecord[] {
    return [...(this.#actors.get(key) ?? [])];
  }

  keys(): readonly string[] {
    return [...this.#actors.keys()];
  }

  add(key: string | null | undefined, record: ActorRecord): void {
    if (key === null || key === undefined) return;
    const known = this.#actors.get(key);
    if (known) known.add(record);
    else this.#actors.set(key, new Set([record]));
  }

  remove(key: string | null | undefined, record: ActorRecord): void {
    const known = key === null || key === undefined ? undefined : this.#actors.get(key);
    if (known?.delete(record) && known.size === 0) this.#actors.delete(key as string);
  }
}

export class ActorIndex {
  readonly #all = new Map<string, ActorRecord>();
  /** By the node that they are on, or are expected to be on. */
  readonly onNode = new Shelf();
  /** By the processes that have handles. */
  readonly heldBy = new Shelf();
  // The living ones only:
  readonly ownedBy = new Shelf();
  readonly ofJob = new Shelf();
  readonly madeIn = new Shelf();
  readonly inGroup = new Shelf();

  get(actorId: string): ActorRecord | undefined {
    return this.#all.get(actorId);
  }

  all(): readonly ActorRecord[] {
    return [...this.#all.values()];
  }

  add(record: ActorRecord): void {
    this.#all.set(record.actorId, record);
    record.watched({
      home: (before, after) => {
        this.onNode.remove(before, record);
        this.onNode.add(after, record);
      },
      held: (processId) => this.heldBy.add(processId, record),
      letGo: (processId) => this.heldBy.remove(processId, record),
    });
    if (record.state === "DEAD") return;
    const { owner, jobId, ownerActorId } = record.creation;
    this.ownedBy.add(owner, record);
    this.ofJob.add(jobId, record);
    this.madeIn.add(ownerActorId, record);
    this.inGroup.add(record.groupId, record);
  }

  /** It is dead now; it is still found by its id. */
  dead(record: ActorRecord): void {
    const { owner, jobId, ownerActorId } = record.creation;
    this.ownedBy.remove(owner, record);
    this.ofJob.remove(jobId, record);
    this.madeIn.remove(ownerActorId, record);
    this.inGroup.remove(record.groupId, record);
  }

  /** Drops what is remembered of a dead actor; false where nothing is. */
  forget(actorId: string): boolean {
    return this.#all.delete(actorId);
  }
}
