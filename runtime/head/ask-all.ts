// One question to many processes at once, for those that look: who does not answer in time is left out, and counted.
import type { Peer } from "../transport/index.ts";

const timeoutMs = 5_000;

export interface Answers<Key, Answer> {
  readonly answers: readonly (readonly [Key, Answer])[];
  /** Who did not answer. */
  readonly silent: readonly Key[];
}

export async function askAll<Key, Answer>(
  peers: readonly (readonly [Key, Peer])[],
  method: string,
  payload: unknown,
): Promise<Answers<Key, Answer>> {
  const answers: [Key, Answer][] = [];
  const silent: Key[] = [];
  await Promise.all(
    peers.map(async ([key, peer]) => {
      try {
        answers.push([key, (await inTime(peer.ask(method, payload))) as Answer]);
      } catch {
        silent.push(key);
      }
    }),
  );
  return { answers, silent };
}

function inTime<T>(promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no answer in time")), timeoutMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
