// What the running code can ask about itself. It travels with the asynchronous call chain, so that it is right in every
// method, however many of them run interleaved on the event loop.
import { AsyncLocalStorage } from "node:async_hooks";
import type { ActorId, NodeId, PlacementGroupId, TaskId } from "./ids.ts";

/** Facts about the call that is running. */
export interface ExecutionContext {
  readonly taskId: TaskId;
  /** `Counter.add` or the function's name. */
  readonly functionName: string;
  readonly nodeId: NodeId;
  readonly actorId?: ActorId;
  readonly actorName?: string | undefined;
  readonly namespace: string;
  /** How often the actor has been restarted. */
  readonly restarts: number;
  readonly gpuIds: readonly string[];
  readonly resources: Readonly<Record<string, number>>;
  readonly placementGroupId?: PlacementGroupId | undefined;
  /** Aborted when this call is cancelled or its actor dies. */
  readonly signal: AbortSignal;
  /** Aborted when the actor dies, however: end here what the end of a process would end. */
  readonly actorSignal: AbortSignal;
  /** Who submits the calls made from here: their order is kept among themselves. */
  readonly submitter: string;
  /** Ends the actor once the running method is left. */
  exit?(): void;
  /** Gives the task's CPUs back while it waits; the function given back takes them again. */
  block?(): () => void;
  /** Told of each call made from here, so that a recursive cancel reaches it. */
  readonly children: Set<{ cancel(options: { recursive?: boolean }): void }>;
}

const storage = new AsyncLocalStorage<ExecutionContext>();
/** The context of the synchronous code that runs just now, where it is not in the storage. */
let running: ExecutionContext | undefined;
/** What code belongs to that no call is known for, in a process that serves one actor. */
let resident: ExecutionContext | undefined;

export function runInContext<T>(context: ExecutionContext, body: () => T): T {
  return storage.run(context, body);
}

/**
 * The same for code that gives its result at once, in a process with a resident context: the storage, which makes every
 * promise of the process slower once it is used, is left alone.
 */
export function runSynchronously<T>(context: ExecutionContext, body: () => T): T {
  const before = running;
  running = context;
  try {
    return body();
  } finally {
    running = before;
  }
}

/** Says whose process this is. */
export function reside(context: ExecutionContext): void {
  resident = context;
}

/** The context of the running call; undefined in the driver. */
export function currentContext(): ExecutionContext | undefined {
  return running ?? storage.getStore() ?? resident;
}

/** Runs `body` outside any call: for the runtime's own work, which must not belong to whoever caused it. */
export function outsideContext<T>(body: () => T): T {
  const before = running;
  running = undefined;
  try {
    return storage.exit(body);
  } finally {
    running = before;
  }
}

/** Marks the running task as waiting; the function given back ends that. */
export function blocking(): (() => void) | undefined {
  return currentContext()?.block?.();
}
