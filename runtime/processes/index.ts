/** The public door of the records of started processes. */

export { type EndedProcess, endProcesses } from "./end-processes.ts";
export {
  isRunning,
  type ProcessRecord,
  recordedProcesses,
  recordProcess,
  startTicksOf,
  stateFolder,
} from "./process-record.ts";
