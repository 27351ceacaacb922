// A cluster of one driver's own.
export { type Standalone, startStandalone } from "./start.ts";
