/** Tasks of an environment service: ids now, the query of each when it is asked for. */

import { UserError } from "../../configs/index.ts";
import { EnvServiceClient, EnvServiceError } from "./env-service-client.ts";
import { type TaskSet, taskSetOf } from "./task-set.ts";

/** What the reader needs; the words are those of `task_reader.env_service`. */
export interface EnvServiceReader {
  readonly env_type: string;
  readonly env_url: string;
}

/**
 * The tasks of a split. A task's query is empty here: the service gives it when an episode makes its instance.
 * Throws a `UserError` when the service does not answer or the split has no tasks.
 */
export async function openEnvService({ env_type, env_url }: EnvServiceReader, split: string): Promise<TaskSet> {
  const client = new EnvServiceClient({ envUrl: env_url, envType: env_type });
  const ids = await client.taskIds(split).catch((error: unknown) => {
    if (!(error instanceof EnvServiceError)) throw error;
    const fix = "start the service, or mend task_reader.env_service.env_url";
    throw new UserError(
      { where: env_url, expected: "an environment service", found: error.message, fix },
      { cause: error },
    );
  });
  if (ids.length === 0) {
    throw new UserError({ where: `${env_url} (${env_type})`, expected: `tasks in the split ${split}`, found: "none" });
  }
  return taskSetOf(
    ids.map((taskId) => ({ taskId, mainQuery: "", initMessages: [], envType: env_type, metadata: { split } })),
  );
}
