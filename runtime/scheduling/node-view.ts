// What the scheduler sees of a node (or of a reserved bundle, which is a small node): what it has, what is free, and
// how much of each GPU. Views are never changed in place; taking and giving back make new ones.
import { minus, plus, type Units, unitsPerOne } from "./quantities.ts";

export interface NodeView {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly total: Units;
  readonly free: Units;
  /** Free units of each device; their sum is `free.GPU`. */
  readonly gpus: Readonly<Record<string, number>>;
  /** Units of each device that belong here: 10,000 on a node, less for a share in a bundle. */
  readonly gpuTotals: Readonly<Record<string, number>>;
  /** The node that a bundle lies on; absent for a node itself. */
  readonly home?: string;
}

/** What has been taken from a view. */
export interface Lease {
  readonly nodeId: string;
  readonly units: Units;
  readonly gpus: Readonly<Record<string, number>>;
}

/** A node with nothing taken. `total.GPU` must be a whole device for each id. */
export function newNode(id: string, total: Units, gpuIds: readonly string[], labels: Record<string, string>): NodeView {
  const gpuTotals = Object.fromEntries(gpuIds.map((gpu) => [gpu, unitsPerOne]));
  return { id, labels, total, free: total, gpus: gpuTotals, gpuTotals };
}

/** A reserved lease as a node of its own, on the node `home`. */
export function bundleNode(id: string, lease: Lease, labels: Readonly<Record<string, string>>, home: string): NodeView {
  const { units, gpus } = lease;
  return { id, labels, total: units, free: units, gpus, gpuTotals: gpus, home };
}

/** Which devices would serve `units` of GPU: whole free ones, or the fullest one with room for a share. */
export function chooseGpus(gpus: Readonly<Record<string, number>>, units: number): Record<string, number> | undefined {
  if (units === 0) return {};
  const byId = Object.entries(gpus);
  if (units < unitsPerOne) {
    const roomy = byId.filter(([, free]) => free >= units).sort((a, b) => a[1] - b[1])[0];
    return roomy ? { [roomy[0]]: units } : undefined;
  }
  const whole = byId.filter(([, free]) => free === unitsPerOne).slice(0, units / unitsPerOne);
  return whole.length * unitsPerOne === units ? Object.fromEntries(whole) : undefined;
}

/** Takes units from a view; undefined if they are not free. */
export function take(node: NodeView, units: Units): { readonly node: NodeView; readonly lease: Lease } | undefined {
  for (const [name, n] of Object.entries(units)) if (n > (node.free[name] ?? 0)) return undefined;
  const gpus = chooseGpus(node.gpus, units["GPU"] ?? 0);
  if (!gpus) return undefined;
  const lease = { nodeId: node.id, units, gpus };
  return { node: { ...node, free: minus(node.free, units), gpus: minus(node.gpus, gpus) }, lease };
}

/** A view of which a lease is known to be taken, free or not. */
export function without(node: NodeView, lease: Lease): NodeView {
  return { ...node, free: minus(node.free, lease.units), gpus: minus(node.gpus, lease.gpus) };
}

/** Gives a lease back. */
export function giveBack(node: NodeView, lease: Lease): NodeView {
  return { ...node, free: plus(node.free, lease.units), gpus: plus(node.gpus, lease.gpus) };
}
