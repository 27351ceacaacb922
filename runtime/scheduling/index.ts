// Scheduling decisions: pure functions of requests and nodes.
export { isLabelExpression, labelMatches } from "./labels.ts";
export { bundleNode, giveBack, type Lease, type NodeView, newNode, take, without } from "./node-view.ts";
export { type Decision, place, type Refusal, type ResourceRequest, refusalOf, type Strategy } from "./place.ts";
export {
  assignBundles,
  type BundleDecision,
  type BundleRequest,
  explainBundles,
  placeBundles,
} from "./place-bundles.ts";
export { PlaceIndex } from "./place-index.ts";
export { fromUnits, minus, plus, toAmount, toUnits, type Units, unitsPerOne } from "./quantities.ts";
