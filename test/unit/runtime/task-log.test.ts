import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { TaskBatch } from "../../../runtime/control/index.ts";
import { TaskLog } from "../../../runtime/host/task-log.ts";
import { LogBook } from "../../../runtime/node/log-book.ts";
import { TaskArchive } from "../../../runtime/node/task-archive.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const origin = { type: "ACTOR_TASK", jobId: "j", actorId: "a" } as const;

test("what has ended is told once, with its counts; what runs is told when it is asked for", () => {
  const told: TaskBatch[] = [];
  const log = new TaskLog((batch) => told.push(batch));
  const observer = log.observe(origin);
  observer.began({ taskId: "t1" }, "C.add")?.ended();
  const running = observer.began({ taskId: "t2" }, "C.wait");
  const failing = observer.began({ taskId: "t3" }, "C.fail");
  observer.failed("C.fail", new RangeError("no"), failing);
  failing?.ended();
  vi.runAllTimers();
  expect(told).toHaveLength(1);
  expect(told[0]?.events.map(({ taskId, state, errorType }) => [taskId, state, errorType])).toEqual([
    ["t1", "FINISHED", null],
    ["t3", "FAILED", "RangeError"],
  ]);
  expect(told[0]?.counts).toContainEqual({ name: "C.fail", type: "ACTOR_TASK", started: 1, failed: 1 });
  expect(log.take()).toMatchObject({ events: [{ taskId: "t2", state: "RUNNING", endMs: null }], counts: [] });
  running?.ended();
  vi.runAllTimers();
  expect(told[1]?.events.map(({ taskId }) => taskId)).toEqual(["t2"]);
});

test("a flood of calls is counted, and only a bounded number of them is kept", () => {
  const told: TaskBatch[] = [];
  const log = new TaskLog((batch) => told.push(batch));
  const observer = log.observe(origin);
  for (let i = 0; i < 10_000; i += 1) observer.began({ taskId: `t${i}` }, "C.add")?.ended();
  vi.runAllTimers();
  expect(told[0]?.counts).toEqual([{ name: "C.add", type: "ACTOR_TASK", started: 10_000, failed: 0 }]);
  expect(told[0]?.events.length).toBe(250);
  observer.began({ taskId: "later" }, "C.add")?.ended();
  vi.runAllTimers();
  expect(told[1]?.events.map(({ taskId }) => taskId)).toEqual(["later"]);
});

test("a node keeps a bounded number of calls, the last ones", async () => {
  const archive = new TaskArchive("n");
  const host = { pid: 1, peer: undefined, settings: { hostId: "h" } } as unknown as Parameters<TaskArchive["add"]>[0];
  const event = { name: "f", ...origin, state: "FINISHED", endMs: 1, errorType: null, errorMessage: null } as const;
  for (let i = 0; i < 11; i += 1) {
    const events = Array.from({ length: 1_000 }, (_, n) => ({ ...event, taskId: `${i}-${n}`, startMs: i }));
    archive.add(host, { events, counts: [{ name: "f", type: "ACTOR_TASK", started: 1_000, failed: 0 }] });
  }
  const { records, counts } = await archive.all([]);
  expect(records).toHaveLength(10_000);
  expect(records[0]).toMatchObject({ taskId: "1-0", nodeId: "n", workerId: "h", pid: 1 });
  expect(counts).toEqual([{ name: "f", type: "ACTOR_TASK", started: 11_000, failed: 0 }]);
});

test.each(["../token", "/etc/passwd", "agent.sock", "worker-1.out/../../x", "worker-1.txt"])(
  "%j is not the output of a host, and is not read",
  (file) => {
    expect(() => new LogBook("n", "/tmp").read(file, 0)).toThrow(/is not the output of a host/);
  },
);
