// What a node knows of its hosts for those who look: their calls, their output, their memory.
import type { ActorStart, LeaseStart, LogQuery, LogRead, StoreFacts, TaskBatch } from "../control/index.ts";
import type { StoreStats } from "../store/index.ts";
import type { Peer } from "../transport/index.ts";
import type { HostPools } from "./host-pools.ts";
import type { HostProcess } from "./host-process.ts";
import { LogBook } from "./log-book.ts";
import { nodeStats } from "./node-stats.ts";
import { TaskArchive } from "./task-archive.ts";

export interface HostWatchOptions {
  readonly nodeId: string;
  readonly logsFolder: string;
  readonly pools: HostPools;
  /** What hosts are used for now. */
  readonly store: () => StoreStats;
  readonly uses: ReadonlyMap<string, { readonly host: HostProcess; readonly actorId: string | null }>;
}

/** The questions that it answers. */
const questions: readonly string[] = ["tasks", "stats", "logSources", "readLog"];

export class HostWatch {
  readonly #options: HostWatchOptions;
  readonly #tasks: TaskArchive;
  readonly #logs: LogBook;

  constructor(options: HostWatchOptions) {
    this.#options = options;
    this.#tasks = new TaskArchive(options.nodeId);
    this.#logs = new LogBook(options.nodeId, options.logsFolder);
  }

  knows(question: string): boolean {
    return questions.includes(question);
  }

  async answer(question: string, payload: unknown): Promise<unknown> {
    const all = await this.#options.pools.all();
    if (question === "tasks") return this.#tasks.all(all);
    if (question === "stats") return nodeStats(this.#options.uses.values(), all, this.#store());
    if (question === "logSources") return this.#logs.sources(payload as LogQuery);
    const { file, offset } = payload as LogRead;
    return this.#logs.read(file, offset);
  }

  #store(): StoreFacts {
    const { capacityBytes, usedBytes, spilledBytes, objects } = this.#options.store();
    return { capacityBytes, usedBytes, spilledBytes, objects: objects.length };
  }

  /** A host begins to serve an actor, or tasks. */
  used(host: HostProcess, start: ActorStart | LeaseStart): void {
    const { jobId } = start;
    const use =
      "info" in start
        ? { actorId: start.actorId, name: start.info.className, restarts: start.restarts }
        : { actorId: null, name: "", restarts: 0 };
    this.#logs.used(host, { ...use, jobId });
  }

  /** A host tells of calls that have ended. */
  async told(peer: Peer, batch: TaskBatch): Promise<void> {
    const all = await this.#options.pools.all();
    const host = all.find((each) => each.peer === peer);
    if (host) this.#tasks.add(host, batch);
  }

  /** A host is about to be ended: takes what it has not told yet, if it answers at once. */
  async lastWord(host: HostProcess): Promise<void> {
    await this.#tasks.collect(host);
  }
}
