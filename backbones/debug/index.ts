/** The public door of the debug backbone. */

export { openDebugCrew } from "./debug-crew.ts";
