// A placement group as its user holds it: bundles of resources that are reserved together.
import type { PlacementGroupId } from "./ids.ts";
import type { ObjectRef } from "./object-ref.ts";

export type PlacementStrategy = "PACK" | "SPREAD" | "STRICT_PACK" | "STRICT_SPREAD";

/** Resources of one bundle, by resource name: `{ CPU: 1, GPU: 2 }`. */
export type Bundle = Readonly<Record<string, number>>;

export interface PlacementGroupOptions {
  /** PACK (the default): few nodes. SPREAD: many. STRICT_PACK: exactly one. STRICT_SPREAD: one for each bundle. */
  readonly strategy?: PlacementStrategy;
  readonly name?: string;
  /** `"detached"` outlives the job. */
  readonly lifetime?: "detached";
  /** Which nodes each bundle may be on. */
  readonly bundleLabelSelector?: readonly Readonly<Record<string, string>>[];
}

/** Bundles reserved together, or waiting to be. Hand it to `schedulingStrategy: { placementGroup, bundleIndex }`. */
export interface PlacementGroup {
  readonly id: PlacementGroupId;
  readonly bundles: readonly Bundle[];
  readonly strategy: PlacementStrategy;
  readonly name: string;
  /** Ready when all bundles are reserved; fails if they never can be, or the group is removed. */
  ready(): ObjectRef<true>;
  /** Whether all bundles are reserved within `timeoutMs`. */
  wait(timeoutMs: number): Promise<boolean>;
}
