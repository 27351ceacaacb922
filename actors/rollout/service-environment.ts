/** The environment of an episode where tasks come from an environment service: one instance, named by the episode's id. */

import { EnvServiceClient } from "../tasks/index.ts";
import type { EpisodeRequest, OpenedEnvironment } from "./rollout-options.ts";

/** Where the service is; the words are those of `task_reader.env_service`. */
export interface EnvService {
  readonly env_url: string;
  readonly env_type: string;
}

/** Opens an episode's environment. */
export type OpenEnvironment = (request: EpisodeRequest) => Promise<OpenedEnvironment>;

/**
 * Makes an instance for each episode. Its messages become the task's. An episode that failed gives its instance back;
 * any other one is asked for the reward by the judge, which does so.
 */
export function environmentsOf({ env_url, env_type }: EnvService): OpenEnvironment {
  const client = new EnvServiceClient({ envUrl: env_url, envType: env_type });
  return async ({ episodeId, task }) => {
    const { messages } = await client.create(task.taskId, episodeId);
    const query = messages.findLast((message) => message.role === "user")?.content;
    return {
      initMessages: messages,
      ...(typeof query === "string" ? { mainQuery: query } : {}),
      env: {
        async step(action) {
          const { messages: seen, reward, isTerminated, info } = await client.step(episodeId, action);
          return { observation: String(seen[0]?.content ?? ""), reward, isTerminated, info };
        },
      },
      async close({ failed }) {
        if (failed) await client.release(episodeId);
      },
    };
  };
}
