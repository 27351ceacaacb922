/** The public door of the records of started processes. */

export { type EndedProcess, endProcesses } from "./end-processes.ts";
export {
  scratchRoot,
  scratchVariable,
  sharedFolderName,
  sharedRoot,
  sharedVariable,
} from "./host-folders.ts";
export { endMarkedProcesses, markedProcesses } from "./marked-processes.ts";
export { announceHead, findHead, type HeadRecord, tokenFile } from "./own-files.ts";
export {
  isRunning,
  type ProcessRecord,
  recordedProcesses,
  recordProcess,
  startTicksOf,
  stateFolder,
} from "./process-record.ts";
