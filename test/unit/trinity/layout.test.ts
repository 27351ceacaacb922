import { expect, test } from "vitest";
import { type LayoutConfig, planLayout } from "../../../backbones/trinity/layout.ts";

interface Wish {
  readonly layout?: "colocated" | "separate";
  readonly engines?: number;
  readonly size?: number;
  readonly perNode?: number | "auto";
  readonly nnodes?: number;
}

const configOf = ({ layout = "separate", engines = 2, size = 1, perNode = "auto", nnodes = 1 }: Wish): LayoutConfig =>
  ({
    trinity: { layout },
    rollout: { tensor_model_parallel_size: size },
    trainer_common: { trinity_only__n_vllm_engine: engines, n_gpus_per_node: perNode, nnodes },
  }) as unknown as LayoutConfig;

const machines = (...gpus: number[]) => gpus.map((count, index) => ({ name: `node-${index}`, gpus: count }));

test("separate: each engine holds its own GPUs, the learner what is left", () => {
  const layout = planLayout(configOf({ engines: 2, size: 2 }), machines(8));
  expect(layout.bundles).toEqual([
    { GPU: 4, CPU: 1 },
    { GPU: 2, CPU: 1 },
    { GPU: 2, CPU: 1 },
  ]);
  expect(layout).toMatchObject({ learner: { gpus: 4, bundle: 0 }, takesTurns: false });
  expect(layout.engines.map((engine) => engine.bundle)).toEqual([1, 2]);
});

test("separate on several machines: engines leave the learner a machine as whole as they can", () => {
  const layout = planLayout(configOf({ engines: 4, size: 2, nnodes: 2 }), machines(8, 8, 8));
  expect(layout.learner.gpus).toBe(8);
  const odd = planLayout(configOf({ engines: 1, size: 2, nnodes: 2 }), machines(4, 8));
  expect(odd.learner.gpus).toBe(8);
  expect(odd.description).toContain("2 unused");
});

test("colocated: one bundle, whose GPUs the engines share in turn with the learner", () => {
  const layout = planLayout(configOf({ layout: "colocated", engines: 4, size: 2 }), machines(2, 8));
  expect(layout.bundles).toEqual([{ GPU: 8, CPU: 1 }]);
  expect(layout.takesTurns).toBe(true);
  expect(layout.engines.every((engine) => engine.shares && engine.bundle === 0)).toBe(true);
});

test.each([machines(0), machines(8)])("without GPUs, or where none may be used, nothing is reserved", (...nodes) => {
  const layout = planLayout(configOf({ perNode: 0 }), nodes);
  expect(layout.bundles).toEqual([]);
  expect(layout.engines).toHaveLength(2);
});

test.each<[string, Wish, ReturnType<typeof machines>, string]>([
  [
    "more than the cluster has",
    { engines: 2, size: 2, perNode: 8 },
    machines(4),
    "2 engines × tensor_model_parallel_size 2 = 4 GPUs + learner 4 = 8 GPUs, from nnodes 1 × n_gpus_per_node 8, got the cluster has 1 node × 4 = 4",
  ],
  [
    "no GPU left for the learner",
    { engines: 2, size: 2 },
    machines(4),
    "2 engines × tensor_model_parallel_size 2 = 4 GPUs + learner 1 = 5 GPUs, got 4 that nnodes × n_gpus_per_node allow, the cluster has 1 node × 4 = 4",
  ],
  [
    "fewer machines than asked for",
    { engines: 1, nnodes: 3 },
    machines(4, 2),
    "from nnodes 3 × n_gpus_per_node auto, got the cluster has node-0: 4 + node-1: 2 = 6",
  ],
  [
    "an engine wider than any machine",
    { engines: 1, size: 6, nnodes: 2 },
    machines(4, 4),
    "each engine on one machine, got the cluster has 2 nodes × 4 = 8",
  ],
  [
    "engines that share more than there is",
    { layout: "colocated", engines: 3, size: 2, perNode: 4 },
    machines(4),
    "learner 4 GPUs on one machine, shared by 3 engines × tensor_model_parallel_size 2 = 6, got the cluster has 1 node × 4 = 4",
  ],
  [
    "GPUs where there are none",
    { engines: 1, perNode: 2 },
    machines(0),
    "1 engine × tensor_model_parallel_size 1 = 1 GPUs + learner 1 = 2 GPUs",
  ],
])("%s is refused with the arithmetic", (_, wish, nodes, message) => {
  expect(() => planLayout(configOf(wish), nodes)).toThrow(message);
});
