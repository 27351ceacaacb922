// This machine as a node: what it has, or what the user says it has.
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism, hostname, totalmem } from "node:os";
import { checkLabels, compileUnits, type NodeId, type NodeInfo } from "../core/index.ts";
import { InvalidOptionError } from "../errors/index.ts";
import { fromUnits, type NodeView, newNode } from "../scheduling/index.ts";
import { findAcceleratorType } from "./gpu-model.ts";

export interface MachineOptions {
  /** Default: the processors this process may use. */
  readonly numCpus?: number;
  /** Default: the GPUs found. More than there are gives pretended ones, for trying things out. */
  readonly numGpus?: number;
  /** Bytes. Default: all of the machine's memory. */
  readonly memory?: number;
  readonly resources?: Readonly<Record<string, number>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Where a node is, for people. */
export interface NodePlace {
  readonly nodeManagerHostname: string;
  readonly nodeManagerAddress: string;
}

export const here: NodePlace = { nodeManagerHostname: hostname(), nodeManagerAddress: "127.0.0.1" };

/** Throws InvalidOptionError for what a node cannot have. */
export function machineNode(
  nodeId: NodeId,
  options: MachineOptions,
  place: { readonly ip: string; readonly head: boolean } = { ip: here.nodeManagerAddress, head: true },
): NodeView {
  const { numCpus = availableParallelism(), memory = totalmem(), resources = {}, labels = {} } = options;
  for (const name of ["CPU", "GPU", "memory"]) {
    if (Object.hasOwn(resources, name))
      throw InvalidOptionError.of(`resources.${name}`, "numCpus, numGpus or memory instead", resources[name]);
  }
  for (const [name, value] of Object.entries(labels)) {
    if (typeof value !== "string") throw InvalidOptionError.of(`labels.${name}`, "a text", value);
    if (value.startsWith("!") || value.startsWith("in("))
      throw InvalidOptionError.of(`labels.${name}`, "a plain value", value);
  }
  checkLabels(labels, "labels");
  const gpuIds = gpuIdsFor(options.numGpus);
  // The driver's files name the machine's GPUs; of pretended ones they know nothing.
  const type = gpuIds.length > 0 && gpuIds.length <= findGpus().length ? findAcceleratorType() : undefined;
  const total = {
    ...compileUnits({ CPU: numCpus }, "numCpus"),
    ...compileUnits({ GPU: gpuIds.length }, "numGpus"),
    ...compileUnits({ memory }, "memory"),
    ...(type !== undefined && compileUnits({ [`accelerator_type:${type}`]: 1 }, "resources.*")),
    ...compileUnits(resources, "resources.*"),
    ...compileUnits({ [`node:${place.ip}`]: 1, ...(place.head && { "node:__internal_head__": 1 }) }, "resources.*"),
  };
  const own = { "ray.io/node-id": nodeId, ...(type !== undefined && { "ray.io/accelerator-type": type }) };
  return newNode(nodeId, total, gpuIds, { ...own, ...labels });
}

/** A node as `nodes()` shows it. */
export function describeNode({ id, total, free, gpuTotals, labels }: NodeView, place: NodePlace): NodeInfo {
  return {
    nodeId: id as NodeId,
    alive: true,
    ...place,
    resources: fromUnits(total),
    available: fromUnits(free),
    gpuIds: Object.keys(gpuTotals),
    labels,
  };
}

function gpuIdsFor(numGpus: number | undefined): string[] {
  const found = findGpus();
  if (numGpus === undefined) return found;
  if (!Number.isInteger(numGpus) || numGpus < 0)
    throw InvalidOptionError.of("numGpus", "a whole number of at least 0", numGpus);
  return Array.from({ length: numGpus }, (_, index) => found[index] ?? String(index));
}

/** The ids that CUDA_VISIBLE_DEVICES leaves, else one for each device file of the NVIDIA driver. */
export function findGpus(): string[] {
  const visible = process.env["CUDA_VISIBLE_DEVICES"];
  if (visible !== undefined)
    return visible
      .split(",")
      .map((id) => id.trim())
      .filter((id) => id !== "" && id !== "-1");
  if (!existsSync("/dev/nvidiactl")) return [];
  const files = readdirSync("/dev").filter((name) => /^nvidia\d+$/.test(name));
  return files.map((name) => name.slice("nvidia".length)).sort((a, b) => Number(a) - Number(b));
}
