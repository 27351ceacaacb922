import { expect, test } from "vitest";
import type { NodeId } from "../../../runtime/core/index.ts";
import { admissionReasons } from "../../../runtime/head/job-admission.ts";

const node = (id: string, total: number, free: number) => ({
  nodeId: id as NodeId,
  resources: { GPU: total, CPU: 8 },
  available: { GPU: free, CPU: 8 },
});
const gpus = (n: number) => ({ GPU: n * 10_000 });
const alone = { kept: [], ahead: [] };

test("a job starts when what it asks for is free on all nodes together", () => {
  expect(admissionReasons(gpus(6), { nodes: [node("a", 4, 4), node("b", 4, 2)], ...alone })).toEqual([]);
});

test("what is short is named, with what is free on which node", () => {
  expect(admissionReasons(gpus(6), { nodes: [node("a", 4, 4), node("b", 4, 1)], ...alone })).toEqual([
    "GPU: 6 asked for, 5 of 8 free (a: 4 of 4; b: 1 of 4)",
  ]);
});

test("what running jobs have not taken yet is kept for them", () => {
  const view = { nodes: [node("a", 4, 4)], kept: [{ jobId: "first", units: gpus(3) }], ahead: [] };
  expect(admissionReasons(gpus(1), view)).toEqual([]);
  expect(admissionReasons(gpus(2), view)).toEqual(["GPU: 2 asked for, 4 of 4 free (a: 4 of 4), 3 kept for job first"]);
});

test("a job does not pass one that waits for the same, and passes one that waits for something else", () => {
  const view = { nodes: [node("a", 4, 4)], kept: [], ahead: [{ jobId: "large", units: gpus(8) }] };
  expect(admissionReasons(gpus(1), view)).toEqual(["GPU: job large came first and waits for it too"]);
  expect(admissionReasons({ CPU: 10_000 }, view)).toEqual([]);
  expect(admissionReasons({}, view)).toEqual([]);
});

test("more than there is, and no node at all, are said as such", () => {
  expect(admissionReasons(gpus(5), { nodes: [node("a", 4, 0)], ...alone })).toEqual([
    "GPU: 5 asked for, the cluster has 4",
  ]);
  expect(admissionReasons(gpus(1), { nodes: [], ...alone })).toEqual(["GPU: 1 asked for, there is no node"]);
});
