// What head, node agents and hosts tell of what runs and has run. All are plain data.

export type TaskType = "NORMAL_TASK" | "ACTOR_TASK" | "ACTOR_CREATION_TASK";
export type TaskStateName = "PENDING_NODE_ASSIGNMENT" | "RUNNING" | "FINISHED" | "FAILED";

/** One call of a task or an actor, as the host that ran it has seen it. */
export interface TaskEvent {
  readonly taskId: string;
  /** `Counter.add`, or the function's name. */
  readonly name: string;
  readonly type: TaskType;
  readonly jobId: string;
  readonly actorId: string | null;
  readonly state: "RUNNING" | "FINISHED" | "FAILED";
  /** Milliseconds since the epoch, with fractions. */
  readonly startMs: number;
  readonly endMs: number | null;
  readonly errorType: string | null;
  readonly errorMessage: string | null;
}

/** How often something was called. Every call is counted; events are kept of the first thousand in a second. */
export interface TaskCount {
  readonly name: string;
  readonly type: TaskType;
  readonly started: number;
  readonly failed: number;
}

/** Event `taskEvents`, host to node agent; and the host's answer to `tasks`. */
export interface TaskBatch {
  readonly events: readonly TaskEvent[];
  /** Since the last batch. */
  readonly counts: readonly TaskCount[];
}

export interface TaskRecord extends TaskEvent {
  readonly nodeId: string;
  readonly workerId: string;
  readonly pid: number;
}

/** A node agent's answer to `tasks`. */
export interface NodeTasks {
  readonly records: readonly TaskRecord[];
  readonly counts: readonly TaskCount[];
  /** Processes that did not answer in time: busy in synchronous code. */
  readonly silent: readonly number[];
}

/** A process of a node. */
export interface ProcessFacts {
  readonly pid: number;
  readonly kind: "agent" | "actor" | "lease" | "idle";
  readonly actorId: string | null;
  readonly rssBytes: number;
  readonly cpuSeconds: number;
}

/** The object store of a node. */
export interface StoreFacts {
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly spilledBytes: number;
  readonly objects: number;
}

/** A node agent's answer to `stats`. */
export interface NodeStats {
  readonly processes: readonly ProcessFacts[];
  readonly memoryTotalBytes: number;
  readonly memoryAvailableBytes: number;
  /** The file system of shared memory; null where there is none. */
  readonly sharedMemory: { readonly totalBytes: number; readonly freeBytes: number } | null;
  readonly loadAverage: number;
  readonly objectStore: StoreFacts;
}

/** An object that its owner has given others references of: a process's answer to `objects` is a list of these. */
export interface ObjectFacts {
  readonly objectId: string;
  readonly state: "PENDING" | "READY" | "FAILED";
  /** Of the value as it travels; null while there is none. */
  readonly sizeBytes: number | null;
  readonly borrowers: number;
}

/** `logSources`: the output of one host process. */
export interface LogSource {
  readonly nodeId: string;
  readonly pid: number;
  readonly actorId: string | null;
  readonly jobId: string;
  /** Class of the actor; empty for a host of tasks. */
  readonly name: string;
  readonly restarts: number;
  readonly startMs: number;
  readonly files: readonly { readonly file: string; readonly sizeBytes: number }[];
}

/** Which outputs are asked for; nothing is all. */
export interface LogQuery {
  readonly actorId?: string;
  readonly jobId?: string;
  readonly nodeId?: string;
}

/** `readLog`: a part of a file of a node. */
export interface LogRead {
  readonly nodeId: string;
  readonly file: string;
  readonly offset: number;
}

export interface LogPart {
  readonly bytes: Uint8Array;
  /** How long the file is now. */
  readonly sizeBytes: number;
}

export const listKinds = ["nodes", "actors", "tasks", "objects", "placement-groups", "jobs"] as const;
export type ListKind = (typeof listKinds)[number];

/** One condition on a column. */
export interface ListFilter {
  readonly column: string;
  readonly predicate: "=" | "!=";
  readonly value: string;
}

/** `list`. */
export interface ListQuery {
  readonly kind: ListKind;
  readonly filters: readonly ListFilter[];
  readonly limit: number;
}

/** A row under Ray's column names. */
export type Row = Readonly<Record<string, unknown>>;

/** The answer to `list`, with the words of Ray's State API. */
export interface ListReply {
  /** Before filtering. */
  readonly total: number;
  readonly num_filtered: number;
  readonly result: readonly Row[];
  /** What rows of this kind have; empty where there is none. */
  readonly columns: readonly string[];
  /** What could not be asked; empty where all answered. */
  readonly partial_failure_warning: string;
}
