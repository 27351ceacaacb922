/** The door of the task readers: where tasks come from, and in which order. */
export { openDatasetFile } from "./dataset-file.ts";
export { type DownloadProgress, downloadDataset } from "./download.ts";
export { type EnvInstance, EnvServiceClient, EnvServiceError, type EnvServiceOptions } from "./env-service-client.ts";
export { openTasks, type Split, type TaskReaderConfig } from "./open-tasks.ts";
export { type EnvOutcome, type ServiceEnvironment, serviceEnvironments } from "./service-environment.ts";
export { TaskOrder, type TaskOrderState } from "./task-order.ts";
export type { TaskSet } from "./task-set.ts";
