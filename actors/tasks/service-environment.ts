/** Instances of an environment service for the episodes of a RolloutActor. */

import { randomUUID } from "node:crypto";
import type { Environment } from "../rollout/workflow.ts";
import type { ChatMessage, Task } from "../task.ts";
import { EnvServiceClient, type EnvServiceOptions } from "./env-service-client.ts";

/** What an instance was worth at the end of its episode; in the judge's input as `env_outcome`. */
export interface EnvOutcome {
  /** The dense reward, and the one that counts finished tasks only; absent until the workflow is over. */
  reward?: number;
  sparseReward?: number;
}

/** An instance that is open for one episode. */
export interface ServiceEnvironment {
  readonly env: Environment;
  readonly initMessages: readonly ChatMessage[];
  readonly mainQuery: string;
  readonly judgeInput: { readonly env_instance_id: string; readonly env_outcome: EnvOutcome };
  /** Asks for the rewards, writes them into `env_outcome` and releases the instance, also when asking failed. */
  close(): Promise<void>;
}

/** A function that makes an instance of a task; `RolloutOptions.openEnvironment` takes it as it is. */
export function serviceEnvironments(
  options: EnvServiceOptions,
): (task: Task, signal: AbortSignal) => Promise<ServiceEnvironment> {
  const client = new EnvServiceClient(options);
  return async (task, signal) => {
    signal.throwIfAborted();
    const instanceId = randomUUID();
    const made = await client.create(task.taskId, instanceId);
    const outcome: EnvOutcome = {};
    return {
      env: {
        async step(action) {
          const { messages, ...facts } = await client.step(instanceId, action);
          const observation = messages.map((message) => textOf(message)).join("\n");
          return { observation, reward: facts.reward, isTerminated: facts.isTerminated, info: facts.info };
        },
      },
      initMessages: made.messages,
      mainQuery: textOf(made.messages.findLast((message) => message.role === "user")),
      judgeInput: { env_instance_id: instanceId, env_outcome: outcome },
      async close() {
        try {
          outcome.reward = await client.evaluate(instanceId);
          outcome.sparseReward = await client.evaluate(instanceId, { sparse: true });
        } finally {
          await client.release(instanceId);
        }
      },
    };
  };
}

function textOf(message: ChatMessage | undefined): string {
  return typeof message?.content === "string" ? message.content : "";
}
