/** The public door of the backbones: start a run, end runs, look at one. */

export type { Summary } from "./experiment/index.ts";
export { killRuns } from "./kill.ts";
export { startLogview } from "./logview/index.ts";
export { type SubmitOptions, submit } from "./submit.ts";
