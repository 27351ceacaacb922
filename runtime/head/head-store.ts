// What the head must still know after it was killed, on disk: a change is acknowledged to whoever asked for it once it is
// committed. Tables of plain data by id.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { RootDatabase } from "lmdb";
import type { ActorCreation, ActorDeath, GroupCreation } from "../control/index.ts";
import type { ActorStateName } from "../core/index.ts";
import { PackageStore } from "../environment/index.ts";
import type { GrantedLease } from "../placement/index.ts";
import type { Lease } from "../scheduling/index.ts";
import type { StoredJob } from "./job-record.ts";

/** An actor as it is stored. */
export interface StoredActor {
  readonly creation: ActorCreation;
  readonly state: ActorStateName;
  readonly restarts: number;
  readonly lease: GrantedLease | null;
  readonly hostId: string;
  readonly address: string;
  readonly pid: number;
  readonly death: ActorDeath | null;
}

export interface StoredGroup {
  readonly creation: GroupCreation;
  /** The process that made it. */
  readonly creator: string;
  readonly leases: readonly Lease[] | null;
}

/** One kind of records. */
export class Table<Value> {
  readonly #database: RootDatabase;
  readonly #prefix: string;

  constructor(database: RootDatabase, prefix: string) {
    this.#database = database;
    this.#prefix = prefix;
  }

  /** Done when it is on disk. Changes of one turn of the event loop are committed together. */
  async put(id: string, value: Value): Promise<void> {
    await this.#database.put([this.#prefix, id], value);
  }

  async remove(id: string): Promise<void> {
    await this.#database.remove([this.#prefix, id]);
  }

  get(id: string): Value | undefined {
    return this.#database.get([this.#prefix, id]) as Value | undefined;
  }

  all(): Value[] {
    const range = { start: [this.#prefix], end: [`${this.#prefix}~`] };
    return [...this.#database.getRange(range)].map(({ value }) => value as Value);
  }
}

export class HeadStore {
  readonly actors: Table<StoredActor>;
  readonly groups: Table<StoredGroup>;
  readonly jobs: Table<StoredJob>;
  readonly deadNodes: Table<{ readonly nodeId: string; readonly reason: string }>;
  /** The folders of code that were sent. */
  readonly packages: PackageStore;
  readonly #database: RootDatabase;

  private constructor(database: RootDatabase, packages: PackageStore) {
    this.#database = database;
    this.actors = new Table(this.#database, "actor");
    this.groups = new Table(this.#database, "group");
    this.deadNodes = new Table(this.#database, "dead-node");
    this.jobs = new Table(this.#database, "job");
    this.packages = packages;
  }

  /** Opens the store in `folder`, which is made where it is not there. */
  static async open(folder: string): Promise<HeadStore> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Processes that may start a head, and hardly ever do, need not load it.
    const { open } = await import("lmdb");
    // The names of the fields are kept once, not in every record: half the size, and a third less time to read.
    const sharedStructuresKey = Symbol.for("structures");
    const database = open({ path: folder, encoding: "msgpack", noSubdir: false, sharedStructuresKey });
    return new HeadStore(database, new PackageStore(join(folder, "packages")));
  }

  /** Done when everything is on disk. */
  async close(): Promise<void> {
    await this.#database.flushed;
    await this.#database.close();
  }
}
