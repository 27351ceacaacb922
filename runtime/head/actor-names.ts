// Which living actor has which name.
import { ActorAlreadyExistsError, ActorHandleNotFoundError } from "../errors/index.ts";
import type { ActorRecord } from "./actor-record.ts";

export class ActorNames {
  readonly #holders = new Map<string, ActorRecord>();

  /** The actor of this name, if there is one. */
  holder(name: string, namespace: string): ActorRecord | undefined {
    return this.#holders.get(keyOf(namespace, name));
  }

  /** Throws ActorHandleNotFoundError where there is none. */
  find(name: string, namespace: string): ActorRecord {
    const record = this.holder(name, namespace);
    if (record) return record;
    const message = `there is no actor named "${name}" in namespace "${namespace}"`;
    throw new ActorHandleNotFoundError(message, { actorName: name, namespace });
  }

  take(record: ActorRecord): void {
    const { name, namespace } = record.creation.info;
    if (name !== null) this.#holders.set(keyOf(namespace, name), record);
  }

  free(record: ActorRecord): void {
    const { name, namespace } = record.creation.info;
    if (name !== null && this.holder(name, namespace) === record) this.#holders.delete(keyOf(namespace, name));
  }
}

/** The error of whoever wants a name that is taken. */
export function taken(holder: ActorRecord, name: string, namespace: string): ActorAlreadyExistsError {
  const facts = { actorId: holder.actorId, className: holder.creation.info.className, actorName: name, namespace };
  return new ActorAlreadyExistsError(`an actor named "${name}" exists in namespace "${namespace}"`, facts);
}

/** A name within its namespace, as one text. */
function keyOf(namespace: string, name: string): string {
  return JSON.stringify([namespace, name]);
}
