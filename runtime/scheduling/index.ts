// Scheduling decisions: pure functions of requests and nodes.
export { isLabelExpression, labelMatches } from "./labels.ts";
export { bundleNode, giveBack, type Lease, type NodeView, newNode, take, without } from "./node-view.ts";
export { type Decision, place, type Refusal, type ResourceRequest, type Strategy } from "./place.ts";
export { type BundleDecision, type BundleRequest, placeBundles } from "./place-bundles.ts";
export { fromUnits, minus, plus, toAmount, toUnits, type Units, unitsPerOne } from "./quantities.ts";
