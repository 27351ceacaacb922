// Calls as a trace that chrome://tracing and Perfetto show. Format: "Trace Event Format" of the Chromium project.
import type { TaskRecord } from "../control/index.ts";

export interface TraceEvent {
  readonly ph: "X" | "M";
  readonly name: string;
  readonly cat?: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly ts?: number;
  readonly dur?: number;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Nodes are shown as processes, hosts as threads; calls that overlap in one host lie on lanes of their own. */
export function traceOf(records: readonly TaskRecord[], nowMs: number): TraceEvent[] {
  const nodes = new Map<string, number>();
  const lanes = new Map<string, number[]>();
  const threads = new Map<string, number>();
  const events: TraceEvent[] = [];
  for (const record of records.toSorted((a, b) => a.startMs - b.startMs)) {
    const { nodeId, pid, startMs, name } = record;
    const endMs = record.endMs ?? nowMs;
    const node = numberOf(nodes, nodeId, (n) => events.push(named("process_name", n, 0, `node ${nodeId}`)));
    const host = `${nodeId} ${pid}`;
    const ends = lanes.get(host) ?? [];
    lanes.set(host, ends);
    const free = ends.findIndex((end) => end <= startMs);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = endMs;
    const title = lane === 0 ? `process ${pid}` : `process ${pid}, at once ${lane + 1}`;
    const tid = numberOf(threads, `${host} ${lane}`, (n) => events.push(named("thread_name", node, n, title)));
    const { taskId, actorId, jobId, state, errorMessage } = record;
    events.push({
      ph: "X",
      name,
      cat: record.type,
      pid: node,
      tid,
      ts: Math.round(startMs * 1000),
      dur: Math.max(0, Math.round((endMs - startMs) * 1000)),
      args: { task_id: taskId, actor_id: actorId, job_id: jobId, state, error: errorMessage },
    });
  }
  return events;
}

function numberOf(known: Map<string, number>, key: string, made: (number: number) => void): number {
  let number = known.get(key);
  if (number === undefined) {
    number = known.size + 1;
    known.set(key, number);
    made(number);
  }
  return number;
}

function named(name: string, pid: number, tid: number, text: string): TraceEvent {
  return { ph: "M", name, pid, tid, args: { name: text } };
}
