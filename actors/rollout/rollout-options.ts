/** What a RolloutActor is created with, and what one episode is asked for with. */

import type { Engine, EngineHandle } from "../inference/index.ts";
import type { ChatMessage, Task } from "../task.ts";
import type { SandboxLimits } from "./sandbox/index.ts";
import type { CodeResult, Environment, Workflow } from "./workflow.ts";

/** A workflow's class. One instance is made for each episode. */
export type WorkflowClass = new () => Workflow;

/** How the engine samples in one episode. What a workflow asks for instead is ignored, so that training stays on policy. */
export interface Sampling {
  readonly temperature: number;
  readonly topP: number;
  /** -1 switches it off. */
  readonly topK: number;
  /** Each request of the episode derives its own seed from this one. */
  readonly seed?: number;
}

/** One episode to run. */
export interface EpisodeRequest {
  readonly episodeId: string;
  readonly task: Task;
  readonly split: "train" | "validation";
  readonly step: number;
  readonly repeat: number;
  readonly sampling: Sampling;
  /** Wall time of the whole episode. */
  readonly timeoutMs: number;
  /** Index of the one engine that this episode may ask; any of them by default. */
  readonly engine?: number;
}

/** An instance of a task's environment, opened for one episode. */
export interface OpenedEnvironment {
  readonly env: Environment;
  /** What the workflow is given instead of the task's own messages, where the environment says it. */
  readonly initMessages?: readonly ChatMessage[];
  readonly mainQuery?: string;
  /** Registered for the judge before the workflow runs, for example the instance's id. */
  readonly judgeInput?: Readonly<Record<string, unknown>>;
  /** Called once, when the workflow is over and before the judge is asked: what the judge needs is in `judgeInput` then. */
  close(): Promise<void>;
}

/** What `executePythonCode` runs code in. */
export interface PythonSandbox {
  run(
    code: string,
    signal?: AbortSignal,
  ): Promise<CodeResult & { readonly printed: boolean; readonly timedOut: boolean }>;
  close(): Promise<void>;
}

/** What a RolloutActor is created with. */
export interface RolloutOptions {
  /** Folder of the model: its tokenizer and chat template are read from there. */
  readonly modelPath: string;
  /** The model's name at the episodes' base URLs. Default: the folder's name. */
  readonly modelName?: string;
  /** `module->Class`, found in `searchFolders`. Not looked at where `workflowClass` is given. */
  readonly workflow: string;
  readonly workflowClass?: WorkflowClass;
  readonly searchFolders: readonly string[];
  /** Engines, or handles to the actors that own them; between processes only handles can be sent. */
  readonly engines: readonly (Engine | EngineHandle)[];
  /** Tokens of prompt and reply together. */
  readonly maxModelLen: number;
  /** Tokens of one reply. */
  readonly maxResponseTokens: number;
  /** Requests to the model in one episode. Default 30. */
  readonly maxSteps?: number;
  readonly sandbox: SandboxLimits;
  /** Opens the sandbox on first use. Default: `actors/rollout/sandbox`. */
  readonly openSandbox?: (limits: SandboxLimits) => Promise<PythonSandbox>;
  /** The environment service of the tasks, where they have one. */
  readonly envService?: { readonly env_url: string; readonly env_type: string };
  /** Opens the environment of an episode in another way than `envService`. */
  readonly openEnvironment?: (request: EpisodeRequest) => Promise<OpenedEnvironment>;
  /** Body of one request. Default 16 MiB. */
  readonly maxRequestBytes?: number;
  /** What a Python workflow of the form `(init_messages, astune_proxy, config)` is handed as `config`; plain data. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Where a line for people goes. Default: standard error. */
  readonly log?: (line: string) => void;
}
