// The live actors by name and namespace.
import { ActorAlreadyExistsError, ActorHandleNotFoundError } from "../errors/index.ts";
import type { ActorRecord } from "./actor-record.ts";

export class ActorNames {
  readonly #actors = new Map<string, ActorRecord>();

  /** The actor that has the name this one asks for. */
  holderOf({ name, namespace }: { readonly name: string | null; readonly namespace: string }): ActorRecord | undefined {
    return name === null ? undefined : this.#actors.get(keyOf(namespace, name));
  }

  /** Throws ActorHandleNotFoundError. */
  find(name: string, namespace: string): ActorRecord {
    const record = this.#actors.get(keyOf(namespace, name));
    if (record) return record;
    const message = `there is no actor named "${name}" in namespace "${namespace}"`;
    throw new ActorHandleNotFoundError(message, { actorName: name, namespace });
  }

  enter(record: ActorRecord): void {
    const { name, namespace } = record.creation.info;
    if (name !== null) this.#actors.set(keyOf(namespace, name), record);
  }

  free(record: ActorRecord): void {
    const { name, namespace } = record.creation.info;
    const key = name === null ? undefined : keyOf(namespace, name);
    if (key !== undefined && this.#actors.get(key) === record) this.#actors.delete(key);
  }
}

/** The error of an actor that asks for the name of another. */
export function taken({ actorId, creation }: ActorRecord): ActorAlreadyExistsError {
  const { className, name, namespace } = creation.info;
  const facts = { actorId, className, actorName: name ?? undefined, namespace };
  return new ActorAlreadyExistsError(`an actor named "${name}" exists in namespace "${namespace}"`, facts);
}

function keyOf(namespace: string, name: string): string {
  return JSON.stringify([namespace, name]);
}
