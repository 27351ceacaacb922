/** The public door of what a run writes and shows. */

export { Experiment, ExperimentTakenError, type MetricsRow, type RunState, WEIGHTS } from "./experiment.ts";
export { Progress, type ProgressOutput } from "./progress.ts";
export { mean, type Rates, ratesOf, rolloutMetrics, sampledTokens, validationMetrics } from "./statistics.ts";
export { type Summary, summaryTable } from "./summary.ts";
