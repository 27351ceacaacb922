/** The door of configs/: one schema of all settings, its loader, and the error for a user's mistake. */

export { checkInputs } from "./check-inputs.ts";
export type { AstuneConfig } from "./complete.ts";
export { ConfigError } from "./config-error.ts";
export { type LoadedConfig, type LoadOptions, loadConfig } from "./load.ts";
export { nearest } from "./nearest.ts";
export { UserError, type UserErrorFacts } from "./user-error.ts";
