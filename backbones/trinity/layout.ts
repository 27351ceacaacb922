/** Which GPUs learner and engines get: a decision from the configuration and the cluster's machines. Pure. */

import { type AstuneConfig, UserError } from "../../configs/index.ts";

/** A machine of the cluster. */
export interface ClusterNode {
  readonly name: string;
  readonly gpus: number;
}

/** Bundles to reserve together, and which of them the learner and each engine are placed in. */
export interface Layout {
  readonly bundles: readonly Readonly<Record<string, number>>[];
  readonly learner: { readonly gpus: number; readonly bundle: number | undefined };
  /** One entry for each engine; `shares` where it sees the learner's GPUs instead of holding its own. */
  readonly engines: readonly {
    readonly gpus: number;
    readonly bundle: number | undefined;
    readonly shares: boolean;
  }[];
  /** True where engines sleep while the learner trains. */
  readonly takesTurns: boolean;
  /** One phrase for people. */
  readonly description: string;
}

/** What of the configuration the layout is made from. */
export type LayoutConfig = Pick<AstuneConfig, "trinity" | "rollout" | "trainer_common">;

const s = (count: number): string => (count === 1 ? "" : "s");

/**
 * `nnodes` machines lend up to `n_gpus_per_node` GPUs each. With `layout: separate` every engine holds
 * `tensor_model_parallel_size` of them, and the learner what is left on the machine that has most left; with `colocated`
 * the learner holds all of one machine, and the engines share them. Without GPUs nothing is reserved.
 * Throws a `UserError` with the arithmetic where it does not fit.
 */
export function planLayout(config: LayoutConfig, nodes: readonly ClusterNode[]): Layout {
  const { trinity, rollout, trainer_common: trainer } = config;
  const count = trainer.trinity_only__n_vllm_engine;
  const size = rollout.tensor_model_parallel_size;
  const perNode = trainer.n_gpus_per_node;
  const most = Math.max(0, ...nodes.map((node) => node.gpus));
  if (perNode === 0 || (perNode === "auto" && most === 0)) return withoutGpus(count);

  const wanted = perNode === "auto" ? most : perNode;
  const largest = nodes.toSorted((a, b) => b.gpus - a.gpus).slice(0, trainer.nnodes);
  if (trinity.layout === "colocated") return colocated(count, size, wanted, nodes);

  const free = largest.map((node) => Math.min(wanted, node.gpus));
  const total = perNode === "auto" ? free.reduce((sum, gpus) => sum + gpus, 0) : trainer.nnodes * wanted;
  const forLearner = Math.max(1, total - count * size);
  const need = `${count} engine${s(count)} × tensor_model_parallel_size ${size} = ${count * size} GPUs + learner ${forLearner} = ${count * size + forLearner} GPUs`;
  if (total < count * size + forLearner) {
    throw doesNotFit(need, `${total} that nnodes × n_gpus_per_node allow, ${inWords(nodes)}`);
  }
  const tooSmall = perNode !== "auto" && free.some((gpus) => gpus < wanted);
  if (largest.length < trainer.nnodes || tooSmall) {
    throw doesNotFit(`${need}, from nnodes ${trainer.nnodes} × n_gpus_per_node ${perNode}`, inWords(nodes));
  }
  const left = placeEngines(count, size, free);
  if (left === undefined || Math.max(...left) < 1) {
    throw doesNotFit(`${need}, each engine on one machine`, inWords(nodes));
  }
  const learnerGpus = Math.max(...left);
  const idle = left.reduce((sum, gpus) => sum + gpus, 0) - learnerGpus;
  return {
    bundles: [{ GPU: learnerGpus, CPU: 1 }, ...Array.from({ length: count }, () => ({ GPU: size, CPU: 1 }))],
    learner: { gpus: learnerGpus, bundle: 0 },
    engines: Array.from({ length: count }, (_, index) => ({ gpus: size, bundle: index + 1, shares: false })),
    takesTurns: false,
    description: `separate: ${count} engine${s(count)} × ${size} GPU${s(size)}, learner ${learnerGpus}${idle > 0 ? `; ${idle} unused, as the learner is on one machine` : ""}`,
  };
}

function withoutGpus(count: number): Layout {
  return {
    bundles: [],
    learner: { gpus: 0, bundle: undefined },
    engines: Array.from({ length: count }, () => ({ gpus: 0, bundle: undefined, shares: false })),
    takesTurns: false,
    description: `${count} engine${s(count)} and the learner on the CPU`,
  };
}

function colocated(count: number, size: number, wanted: number, nodes: readonly ClusterNode[]): Layout {
  const available = Math.max(0, ...nodes.map((node) => node.gpus));
  const need = `learner ${wanted} GPU${s(wanted)} on one machine, shared by ${count} engine${s(count)} × tensor_model_parallel_size ${size} = ${count * size}`;
  if (available < wanted || count * size > wanted) throw doesNotFit(need, inWords(nodes));
  return {
    bundles: [{ GPU: wanted, CPU: 1 }],
    learner: { gpus: wanted, bundle: 0 },
    engines: Array.from({ length: count }, () => ({ gpus: size, bundle: 0, shares: true })),
    takesTurns: true,
    description: `colocated: learner and ${count} engine${s(count)} take turns on ${wanted} GPU${s(wanted)}`,
  };
}

/** GPUs left on each machine when each engine went where it leaves least; undefined where one does not fit. */
function placeEngines(count: number, size: number, free: readonly number[]): number[] | undefined {
  const left = [...free];
  for (let engine = 0; engine < count; engine++) {
    const fitting = left.map((gpus, node) => ({ gpus, node })).filter(({ gpus }) => gpus >= size);
    const tightest = fitting.sort((a, b) => a.gpus - b.gpus || b.node - a.node)[0];
    if (tightest === undefined) return undefined;
    left[tightest.node] = tightest.gpus - size;
  }
  return left;
}

/** "the cluster has 2 nodes × 4 = 8", or node by node where they differ. */
function inWords(nodes: readonly ClusterNode[]): string {
  const total = nodes.reduce((sum, node) => sum + node.gpus, 0);
  const [first] = nodes;
  const alike = first !== undefined && nodes.every((node) => node.gpus === first.gpus);
  if (alike) return `the cluster has ${nodes.length} node${s(nodes.length)} × ${first.gpus} = ${total}`;
  return `the cluster has ${nodes.map((node) => `${node.name}: ${node.gpus}`).join(" + ") || "no node"} = ${total}`;
}

function doesNotFit(need: string, have: string): UserError {
  return new UserError({
    where: "astune.trinity.layout",
    expected: `GPUs for ${need}`,
    found: have,
    fix: "lower trainer_common.trinity_only__n_vllm_engine, rollout.tensor_model_parallel_size, trainer_common.nnodes or n_gpus_per_node, or add machines",
  });
}
