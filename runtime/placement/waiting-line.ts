// Those who wait, oldest first. Of those that want the same, only the first is tried: where it has no place, none of the
// others has.
import type { PendingReason } from "../core/index.ts";
import { fromUnits, type Units } from "../scheduling/index.ts";

/** Something that waits; `attempt` says whether it need not wait any longer. */
export interface Waiter {
  readonly kind: PendingReason["kind"];
  readonly id: string;
  readonly name: string;
  readonly sinceMs: number;
  readonly required: Units;
  readonly reasons: readonly string[];
  /** Whoever has the same key can be helped only where this one can. Default: nobody has. */
  readonly key?: string;
  attempt(): boolean;
}

export class WaitingLine {
  /** By key; a waiter's number tells how long it has waited. */
  readonly #lines = new Map<string, Map<Waiter, number>>();
  #last = 0;

  add(waiter: Waiter): void {
    const key = keyOf(waiter);
    const line = this.#lines.get(key) ?? new Map<Waiter, number>();
    this.#lines.set(key, line);
    this.#last += 1;
    line.set(waiter, this.#last);
  }

  remove(waiter: Waiter): void {
    const key = keyOf(waiter);
    const line = this.#lines.get(key);
    if (line?.delete(waiter) && line.size === 0) this.#lines.delete(key);
  }

  /** Lets everybody try again, oldest first. */
  tryAll(): void {
    const open = new Set(this.#lines.keys());
    for (;;) {
      const oldest = this.#oldestOf(open);
      if (!oldest) return;
      if (oldest.attempt()) this.remove(oldest);
      else open.delete(keyOf(oldest));
    }
  }

  pending(): PendingReason[] {
    const all = [...this.#lines.values()].flatMap((line) => [...line]).sort(([, a], [, b]) => a - b);
    return all.map(([{ kind, id, name, sinceMs, required, reasons }]) => {
      return { kind, id, name, sinceMs, required: fromUnits(required), reasons };
    });
  }

  #oldestOf(keys: ReadonlySet<string>): Waiter | undefined {
    let [oldest, least]: [Waiter | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
    for (const key of keys) {
      const [first] = this.#lines.get(key) ?? [];
      if (first === undefined || first[1] >= least) continue;
      [oldest, least] = first;
    }
    return oldest;
  }
}

function keyOf({ key, id, kind }: Waiter): string {
  return key ?? `${kind} ${id}`;
}
