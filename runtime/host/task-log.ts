// What ran in this host, for those who look: every call is counted; of each second the first thousand are kept with
// their times, so that a host that makes hundreds of thousands of calls does not pay for being watched. Nothing leaves
// the host for a call by itself: a few times a second what is new goes to the node agent, which keeps it when the host is gone.
import type { CallObserver, CallWatch } from "../calls/index.ts";
import type { TaskBatch, TaskCount, TaskEvent, TaskType } from "../control/index.ts";

const intervalMs = 250;
const keptPerInterval = 250;
/** Calls that go on for long: so many are shown. */
const runningKept = 10_000;
const messageLength = 500;

export interface TaskOrigin {
  readonly type: TaskType;
  readonly jobId: string;
  readonly actorId: string | null;
}

interface Count {
  readonly name: string;
  readonly type: TaskType;
  started: number;
  failed: number;
}

class Watch implements CallWatch {
  readonly taskId: string;
  readonly name: string;
  readonly origin: TaskOrigin;
  readonly startMs: number;
  endMs: number | null = null;
  error: unknown;
  failed = false;
  readonly #done: (watch: Watch) => void;

  constructor(taskId: string, name: string, origin: TaskOrigin, done: (watch: Watch) => void) {
    this.taskId = taskId;
    this.name = name;
    this.origin = origin;
    this.startMs = nowMs();
    this.#done = done;
  }

  ended(): void {
    if (this.endMs !== null) return;
    this.endMs = nowMs();
    this.#done(this);
  }

  event(): TaskEvent {
    const { taskId, name, origin, startMs, endMs, failed, error } = this;
    return {
      taskId,
      name,
      ...origin,
      state: endMs === null ? "RUNNING" : failed ? "FAILED" : "FINISHED",
      startMs,
      endMs,
      errorType: failed ? (error instanceof Error ? error.name : typeof error) : null,
      errorMessage: failed ? (error instanceof Error ? error.message : String(error)).slice(0, messageLength) : null,
    };
  }
}

export class TaskLog {
  readonly #report: (batch: TaskBatch) => void;
  readonly #counts = new Map<string, Count>();
  readonly #running = new Set<Watch>();
  readonly #ended: Watch[] = [];
  #budget = keptPerInterval;
  #timer: NodeJS.Timeout | undefined;

  constructor(report: (batch: TaskBatch) => void) {
    this.#report = report;
  }

  /** Watches the calls of one actor, or the tasks of one lease. */
  observe(origin: TaskOrigin): CallObserver {
    return {
      began: (task, functionName) => {
        this.#count(functionName, origin.type).started += 1;
        this.#timer ??= setTimeout(() => this.#tick(), intervalMs).unref();
        if (this.#budget === 0) return undefined;
        this.#budget -= 1;
        const watch = new Watch(task.taskId, functionName, origin, (done) => {
          this.#running.delete(done);
          this.#ended.push(done);
          this.#timer ??= setTimeout(() => this.#tick(), intervalMs).unref();
        });
        if (this.#running.size < runningKept) this.#running.add(watch);
        return watch;
      },
      failed: (functionName, error, watch) => {
        this.#count(functionName, origin.type).failed += 1;
        if (!(watch instanceof Watch)) return;
        watch.failed = true;
        watch.error = error;
      },
    };
  }

  /** What has ended since it was last taken or reported, and what runs now. */
  take(): TaskBatch {
    const { events, counts } = this.#news();
    return { events: [...events, ...[...this.#running].map((watch) => watch.event())], counts };
  }

  #tick(): void {
    this.#timer = undefined;
    this.#budget = keptPerInterval;
    const news = this.#news();
    if (news.events.length > 0 || news.counts.length > 0) this.#report(news);
  }

  #news(): TaskBatch {
    const events = this.#ended.splice(0).map((watch) => watch.event());
    const counts: TaskCount[] = [];
    for (const count of this.#counts.values()) {
      if (count.started === 0 && count.failed === 0) continue;
      counts.push({ ...count });
      count.started = 0;
      count.failed = 0;
    }
    return { events, counts };
  }

  #count(name: string, type: TaskType): Count {
    let count = this.#counts.get(name);
    if (!count) {
      count = { name, type, started: 0, failed: 0 };
      this.#counts.set(name, count);
    }
    return count;
  }
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
