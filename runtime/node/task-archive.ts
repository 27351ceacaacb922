// The calls of this node's hosts, of those that are gone too: a bounded number of the last ones, and how often each
// function was called.
import type { NodeTasks, TaskBatch, TaskCount, TaskRecord } from "../control/index.ts";
import type { HostProcess } from "./host-process.ts";

const recordsKept = 10_000;
const namesKept = 1_000;
const timeoutMs = 2_000;
/** A host that is about to be ended is not waited for: one that is busy loses what it has not told. */
const lastWordMs = 20;

type Host = Pick<HostProcess, "pid" | "peer" | "settings">;

export class TaskArchive {
  readonly #nodeId: string;
  readonly #records: TaskRecord[] = [];
  readonly #counts = new Map<string, TaskCount>();

  constructor(nodeId: string) {
    this.#nodeId = nodeId;
  }

  /** A host tells what has ended; what runs is given back. */
  add(host: Host, { events, counts }: TaskBatch): TaskRecord[] {
    const records = events.map((event): TaskRecord => {
      return { ...event, nodeId: this.#nodeId, workerId: host.settings.hostId, pid: host.pid };
    });
    this.#records.push(...records.filter(({ endMs }) => endMs !== null));
    if (this.#records.length > recordsKept) this.#records.splice(0, this.#records.length - recordsKept);
    for (const count of counts) this.#count(count);
    return records.filter(({ endMs }) => endMs === null);
  }

  /** Takes what a host has not told yet, before it ends; what runs is given back. Undefined: it did not answer. */
  async collect(host: Host, withinMs = lastWordMs): Promise<TaskRecord[] | undefined> {
    const batch = await answerOf(host, withinMs);
    return batch && this.add(host, batch);
  }

  /** Everything, with what runs in these hosts now. */
  async all(hosts: readonly Host[]): Promise<NodeTasks> {
    const silent: number[] = [];
    const running = await Promise.all(
      hosts.map(async (host) => {
        const records = await this.collect(host, timeoutMs);
        if (!records && host.peer) silent.push(host.pid);
        return records ?? [];
      }),
    );
    return { records: [...this.#records, ...running.flat()], counts: [...this.#counts.values()], silent };
  }

  #count({ name, type, started, failed }: TaskCount): void {
    const key = `${type} ${name}`;
    const known = this.#counts.get(key);
    if (!known && this.#counts.size >= namesKept) return;
    this.#counts.set(key, {
      name,
      type,
      started: (known?.started ?? 0) + started,
      failed: (known?.failed ?? 0) + failed,
    });
  }
}

const nothing: TaskBatch = { events: [], counts: [] };

/** Undefined where it does not answer in time. A host that does not keep its calls, or ends meanwhile, has none. */
function answerOf({ peer }: Host, withinMs: number): Promise<TaskBatch | undefined> {
  if (!peer) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), withinMs);
    const settle = (batch: TaskBatch): void => {
      clearTimeout(timer);
      resolve(batch);
    };
    peer.ask("tasks", null).then(
      (batch) => settle(batch as TaskBatch),
      () => settle(nothing),
    );
  });
}
