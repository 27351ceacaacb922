import { expect, test } from "vitest";
import type { TaskRecord } from "../../../runtime/control/index.ts";
import { matches, parseFilter, summarize, traceOf } from "../../../runtime/state/index.ts";

const record = (name: string, startMs: number, endMs: number | null, pid = 7): TaskRecord => ({
  taskId: `${name}-${startMs}`,
  name,
  type: "ACTOR_TASK",
  jobId: "job",
  actorId: "actor",
  state: endMs === null ? "RUNNING" : "FINISHED",
  startMs,
  endMs,
  errorType: null,
  errorMessage: null,
  nodeId: "n1",
  workerId: "w",
  pid,
});

test.each([
  ["state=ALIVE", { column: "state", predicate: "=", value: "ALIVE" }],
  ["name!=", { column: "name", predicate: "!=", value: "" }],
  ["entrypoint=a=b", { column: "entrypoint", predicate: "=", value: "a=b" }],
  ["state", undefined],
  ["=x", undefined],
])("the filter %j is read", (text, expected) => {
  expect(parseFilter(text)).toEqual(expected);
});

test("a filter compares texts without regard to case; what is empty equals the empty text", () => {
  const row = { state: "ALIVE", pid: 12, name: null, labels: { zone: "a" } };
  const fits = (text: string) => matches(row, parseFilter(text) as NonNullable<ReturnType<typeof parseFilter>>);
  expect(["state=alive", "pid=12", "name=", "name!=x", 'labels={"zone":"a"}'].map(fits)).toEqual(Array(5).fill(true));
  expect(["state!=ALIVE", "pid=1", "unknown=x"].map(fits)).toEqual([false, false, false]);
});

test("a summary counts by what rows are, the most frequent first", () => {
  const rows = ["A", "B", "B"].map((class_name) => ({ class_name, state: "ALIVE", pid: Math.random() }));
  expect(summarize("actors", rows)).toEqual([
    { class_name: "B", state: "ALIVE", count: 2 },
    { class_name: "A", state: "ALIVE", count: 1 },
  ]);
});

test("calls that overlap in a process lie on lanes of their own, those that do not share one", () => {
  const calls = [record("a", 0, 10), record("b", 5, 15), record("c", 10, 20), record("d", 1, 2, 8)];
  const events = traceOf(calls, 100).filter(({ ph }) => ph === "X");
  const lane = Object.fromEntries(events.map(({ name, tid }) => [name, tid]));
  expect(lane["a"]).toBe(lane["c"]);
  expect(new Set([lane["a"], lane["b"], lane["d"]]).size).toBe(3);
  expect(events[0]).toMatchObject({ name: "a", ts: 0, dur: 10_000, cat: "ACTOR_TASK" });
});

test("a call that still runs reaches to now; nodes and processes have their names", () => {
  const events = traceOf([record("a", 10, null)], 60);
  expect(events.map(({ ph, name, args }) => (ph === "M" ? [name, args["name"]] : [name, "call"]))).toEqual([
    ["process_name", "node n1"],
    ["thread_name", "process 7"],
    ["a", "call"],
  ]);
  expect(events.at(-1)).toMatchObject({ dur: 50_000, args: { state: "RUNNING" } });
});
