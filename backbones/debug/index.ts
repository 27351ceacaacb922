/** The public door of the debug backbone. */

export { type DebugCrewOptions, openDebugCrew } from "./debug-crew.ts";
