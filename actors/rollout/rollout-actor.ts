/** The RolloutActor: runs episodes of a workflow, many at once, and records each as tokens. */

import { basename, resolve } from "node:path";
import type { Episode } from "../episode.ts";
import { type Engine, EngineRouter, engineOf } from "../inference/index.ts";
import { loadClass } from "../protocol/index.ts";
import { serviceEnvironments } from "../tasks/index.ts";
import { checkedEngine, mayGoBetterElsewhere } from "./checked-engine.ts";
import { episodeOf } from "./episode-of.ts";
import { EpisodeSession, messageOf, type SessionSettings } from "./episode-session.ts";
import { readModelText } from "./model-text.ts";
import { OpenAiServer } from "./openai-server.ts";
import { PromptCache } from "./prompt-cache.ts";
import { PythonWorkflows } from "./python-workflow.ts";
import type {
  EpisodeRequest,
  OpenedEnvironment,
  PythonSandbox,
  RolloutOptions,
  WorkflowClass,
} from "./rollout-options.ts";
import { EpisodeTuner } from "./tuner.ts";
import { runWorkflow, type WorkflowEnd } from "./workflow-run.ts";

const defaultMaxSteps = 30;
const defaultMaxRequestBytes = 16 * 1024 * 1024;

interface Started {
  readonly settings: SessionSettings;
  readonly engines: readonly Engine[];
  readonly workflowClass: WorkflowClass;
}

/** Environments of a service: an instance for each episode. */
function openedBy({
  env_url,
  env_type,
}: NonNullable<RolloutOptions["envService"]>): NonNullable<RolloutOptions["openEnvironment"]> {
  const open = serviceEnvironments({ envUrl: env_url, envType: env_type });
  return ({ task, timeoutMs }) => open(task, AbortSignal.timeout(timeoutMs));
}

/** Runs episodes: each has its own address, its own instance of the workflow, and a record of all it asked the model. */
export class RolloutActor {
  readonly #options: RolloutOptions;
  readonly #server: OpenAiServer;
  readonly #openEnvironment: RolloutOptions["openEnvironment"];
  readonly #running = new Set<EpisodeSession>();
  #started: Started | undefined;
  readonly #python: PythonWorkflows;
  #sandbox: Promise<PythonSandbox> | undefined;

  constructor(options: RolloutOptions) {
    this.#options = options;
    this.#openEnvironment = options.openEnvironment ?? (options.envService && openedBy(options.envService));
    this.#python = new PythonWorkflows(options.config);
    this.#server = new OpenAiServer(options.maxRequestBytes ?? defaultMaxRequestBytes);
  }

  /** Reads the model's tokenizer and template and the workflow's class. Throws a `UserError` where one is not there. */
  async start(): Promise<void> {
    const { modelPath, modelName, workflow, workflowClass, searchFolders, engines } = this.#options;
    const text = await readModelText(modelPath);
    const loaded =
      workflowClass ??
      (await loadClass<InstanceType<WorkflowClass>>(workflow, searchFolders, undefined, (source) =>
        this.#python.workflowClass(source),
      ));
    await this.#python.start();
    const said = new Set<string>();
    const log = this.#options.log ?? ((line: string) => process.stderr.write(`${line}\n`));
    const logOnce = (line: string) => {
      if (!said.has(line)) log(line);
      said.add(line);
    };
    const checked = engines.map((engine) => checkedEngine(engineOf(engine)));
    const settings: SessionSettings = {
      text,
      cache: new PromptCache(text),
      engine: new EngineRouter(checked, { isRetryable: mayGoBetterElsewhere }),
      modelName: modelName ?? basename(resolve(modelPath)),
      maxModelLen: this.#options.maxModelLen,
      maxResponseTokens: this.#options.maxResponseTokens,
      maxSteps: this.#options.maxSteps ?? defaultMaxSteps,
      logOnce,
    };
    await this.#server.start();
    this.#started = { settings, engines: checked, workflowClass: loaded };
  }

  /** Runs one episode. Never rejects for what the workflow, the engine or the sandbox does: that is the episode's status. */
  async runEpisode(request: EpisodeRequest): Promise<Episode> {
    if (!this.#started) throw new Error("the RolloutActor was not started");
    const { settings: shared, engines, workflowClass } = this.#started;
    const only = request.engine === undefined ? undefined : engines[request.engine];
    const settings = only === undefined ? shared : { ...shared, engine: only };
    const session = new EpisodeSession(request, settings);
    const baseUrl = this.#server.open(session, () => tuner);
    this.#running.add(session);
    let environment: OpenedEnvironment | undefined;
    let tuner: EpisodeTuner = new EpisodeTuner(session, baseUrl, () => this.#openSandbox());
    let end: WorkflowEnd;
    try {
      environment = await this.#openEnvironment?.(request);
      if (environment) {
        tuner = new EpisodeTuner(session, baseUrl, () => this.#openSandbox(), environment.env);
        tuner.updateJudgeInputDictionary(environment.judgeInput ?? {});
      }
      end = await runWorkflow(workflowClass, taskIn(request, environment), session, tuner);
    } catch (error) {
      end = { error: `the environment failed: ${messageOf(error)}`, late: false };
    } finally {
      this.#running.delete(session);
    }
    this.#server.end(session, end.error ?? "the episode has ended", end.late);
    // Closed before the episode is read: an environment service says its rewards then.
    await environment
      ?.close()
      .catch((error: unknown) => settings.logOnce(`an environment did not close: ${messageOf(error)}`));
    return episodeOf(session, tuner, end);
  }

  /** Ends the running episodes, the server and the sandbox. May be called twice. */
  async close(): Promise<void> {
    for (const session of this.#running) session.end("the run ends");
    if (this.#started) await this.#server.close();
    this.#started = undefined;
    const sandbox = this.#sandbox;
    this.#sandbox = undefined;
    await sandbox?.then((opened) => opened.close()).catch(() => {});
    await this.#python.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One sandbox for all episodes, opened on first use: a workflow that runs no code needs none. */
  #openSandbox(): Promise<PythonSandbox> {
    const opening = this.#sandbox ?? this.#newSandbox();
    this.#sandbox = opening;
    opening.catch(() => {
      if (this.#sandbox === opening) this.#sandbox = undefined;
    });
    return opening;
  }

  async #newSandbox(): Promise<PythonSandbox> {
    const open = this.#options.openSandbox ?? (await import("./sandbox/index.ts")).openSandbox;
    return open(this.#options.sandbox);
  }
}

function taskIn({ task }: EpisodeRequest, environment: OpenedEnvironment | undefined): EpisodeRequest["task"] {
  if (!environment) return task;
  return {
    ...task,
    initMessages: environment.initMessages ?? task.initMessages,
    mainQuery: environment.mainQuery ?? task.mainQuery,
  };
}
