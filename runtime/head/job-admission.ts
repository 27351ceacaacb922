// Whether a job may start: a pure function of what it asks for, what is free, and which jobs came before it.
import type { NodeInfo } from "../core/index.ts";
import { toAmount, toUnits, type Units } from "../scheduling/index.ts";

export interface Claim {
  readonly jobId: string;
  readonly units: Units;
}

export interface AdmissionView {
  readonly nodes: readonly Pick<NodeInfo, "nodeId" | "resources" | "available">[];
  /** What running jobs asked for and have not taken yet. */
  readonly kept: readonly Claim[];
  /** Jobs that wait and came first. */
  readonly ahead: readonly Claim[];
}

/** One line for each resource that is short, or that a job before it waits for too. Empty: it may start. */
export function admissionReasons(wanted: Units, { nodes, kept, ahead }: AdmissionView): string[] {
  return Object.entries(wanted).flatMap(([name, need]) => {
    if (need === 0) return [];
    const first = ahead.find(({ units }) => (units[name] ?? 0) > 0);
    const total = sum(nodes.map(({ resources }) => resources[name]));
    const free = sum(nodes.map(({ available }) => available[name]));
    const asked = toAmount(name, need);
    const short = `${name}: ${asked} asked for`;
    if (nodes.length === 0) return [`${short}, there is no node`];
    if (asked > total) return [`${short}, the cluster has ${total}`];
    if (first) return [`${name}: job ${first.jobId} came first and waits for it too`];
    const keepers = kept.filter(({ units }) => (units[name] ?? 0) > 0);
    const keptUnits = sum(keepers.map(({ units }) => units[name]));
    if (need <= (toUnits(name, free) ?? 0) - keptUnits) return [];
    const byNode = nodes.flatMap(({ nodeId, resources, available }) => {
      return resources[name] ? [`${nodeId}: ${available[name] ?? 0} of ${resources[name]}`] : [];
    });
    const forOthers = keepers.map(({ jobId, units }) => `, ${toAmount(name, units[name] ?? 0)} kept for job ${jobId}`);
    return [`${short}, ${free} of ${total} free (${byNode.join("; ")})${forOthers.join("")}`];
  });
}

function sum(amounts: readonly (number | undefined)[]): number {
  return amounts.reduce<number>((total, amount) => total + (amount ?? 0), 0);
}
