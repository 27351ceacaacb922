/** The public door of the backbones: start a run, end runs, look at one. */

export type { Summary } from "./experiment/index.ts";
export { killRuns } from "./kill.ts";
export { startLogview } from "./logview/index.ts";
export { type SubmitOptions, submit } from "./submit.ts";
export { type ClusterSubmission, followRun, gpusOf, type SubmittedRun, submitToCluster } from "./submit-to-cluster.ts";
