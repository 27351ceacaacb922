// A placement group as its user asks for it, checked.
import {
  type Bundle,
  checkLabels,
  compileUnits,
  type PlacementGroupId,
  type PlacementGroupOptions,
} from "../core/index.ts";
import { InvalidOptionError } from "../errors/index.ts";
import type { BundleRequest } from "../scheduling/index.ts";
import type { GroupRequest } from "./group-table.ts";

const strategies = ["PACK", "SPREAD", "STRICT_PACK", "STRICT_SPREAD"] as const;

/** Throws InvalidOptionError for bundles or options that cannot be. */
export function compileGroup(
  id: PlacementGroupId,
  bundles: readonly Bundle[],
  options: PlacementGroupOptions,
): GroupRequest {
  const { strategy = "PACK", name = "", bundleLabelSelector } = options;
  if (!strategies.includes(strategy))
    throw InvalidOptionError.of("strategy", `one of ${strategies.join(", ")}`, strategy);
  if (bundles.length === 0) throw InvalidOptionError.of("bundles", "at least one bundle", bundles);
  if (bundleLabelSelector && bundleLabelSelector.length !== bundles.length) {
    throw InvalidOptionError.of(
      "bundleLabelSelector",
      `one selector for each of the ${bundles.length} bundles`,
      bundleLabelSelector,
    );
  }
  const requests = bundles.map((bundle, index): BundleRequest => {
    const units = compileUnits(bundle, `bundles[${index}].*`);
    if (Object.keys(units).length === 0)
      throw InvalidOptionError.of(`bundles[${index}]`, "at least one resource above 0", bundle);
    return { units, labelSelector: checkLabels(bundleLabelSelector?.[index] ?? {}, `bundleLabelSelector[${index}]`) };
  });
  return { id, name, strategy, bundles, requests };
}
