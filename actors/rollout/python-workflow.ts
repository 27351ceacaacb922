/** A workflow written in Python: its episodes run in a warm Python process, an actor of the runtime. */

import { cancel, getRuntimeContext, pythonClass, type RemoteClass } from "../../runtime/index.ts";
import { type PythonSource, pythonLoadError } from "../protocol/index.ts";
import type { Task } from "../task.ts";
import { messageOf } from "./episode-session.ts";
import type { WorkflowClass } from "./rollout-options.ts";
import type { Tuner, WorkflowOutput } from "./workflow.ts";

/** What the Python side is asked for one episode. */
interface PythonEpisode {
  readonly task: Task;
  readonly episodeId: string;
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
  readonly timeoutMs: number;
  readonly hasEnvironment: boolean;
  readonly config: Readonly<Record<string, unknown>>;
}

interface PythonEpisodeEnd {
  readonly judgeInput: Readonly<Record<string, unknown>>;
  readonly output: WorkflowOutput | null;
}

/** `astune.workflow_host`, as it is called from here. */
interface WorkflowHost {
  run_episode(episode: PythonEpisode): Promise<PythonEpisodeEnd>;
}

type HostClass = RemoteClass<new (module: string, name: string, folders: readonly string[]) => WorkflowHost>;

export class PythonWorkflows {
  readonly #config: Readonly<Record<string, unknown>>;
  #host: ReturnType<HostClass["remote"]> | undefined;
  #source: PythonSource | undefined;

  /** `config` is what a workflow of the form `(init_messages, astune_proxy, config)` is handed. */
  constructor(config: Readonly<Record<string, unknown>> = {}) {
    this.#config = config;
  }

  /** The class whose instances run episodes of the Python class. */
  workflowClass(source: PythonSource): WorkflowClass {
    this.#source = source;
    const run = (task: Task, tuner: Tuner) => this.#run(task, tuner);
    return class {
      execute(task: Task, tuner: Tuner): Promise<WorkflowOutput | undefined> {
        return run(task, tuner);
      }
    };
  }

  /** Starts the Python process, where there is a Python class. Throws a `UserError` where it cannot be imported. */
  async start(): Promise<void> {
    const source = this.#source;
    if (!source) return;
    const { module, className, folders } = source;
    const Host: HostClass = pythonClass(
      "astune.workflow_host->WorkflowHost",
      { run_episode: "async" },
      { folders: [] },
    );
    // Episodes are served on this machine's loopback only.
    const schedulingStrategy = { nodeId: await getRuntimeContext().getNodeId() };
    const options = { numCpus: 0, maxRestarts: -1, schedulingStrategy } as const;
    const host = Host.options(options).remote(module, className, folders);
    this.#host = host;
    await host.__ray_ready__.remote().then(undefined, (error: unknown) => {
      throw pythonLoadError(source, error);
    });
  }

  async close(): Promise<void> {
    const host = this.#host;
    this.#host = undefined;
    host?.[Symbol.dispose]();
  }

  async #run(task: Task, tuner: Tuner): Promise<WorkflowOutput | undefined> {
    if (!this.#host) throw new Error("the Python process of the workflow was not started");
    const { baseUrl, apiKey, model, episodeId, timeoutMs, env, signal } = tuner;
    const running = this.#host.run_episode.remote({
      task,
      baseUrl,
      apiKey,
      model,
      episodeId,
      timeoutMs,
      hasEnvironment: env !== undefined,
      config: this.#config,
    });
    const stop = () => void cancel(running);
    signal.addEventListener("abort", stop, { once: true });
    try {
      const { judgeInput, output } = await running;
      tuner.updateJudgeInputDictionary(judgeInput);
      return output ?? undefined;
    } catch (error) {
      throw asWorkflowError(error);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }
}

/** The Python error's name and message, and the last line of the user's own code that it passed. */
function asWorkflowError(error: unknown): unknown {
  const lines =
    error instanceof Error ? [...(error.stack ?? "").matchAll(/File "([^"]+)", line (\d+), in (\S+)/g)] : [];
  const own = lines
    .filter(([, file = ""]) => !/[/\\](site-packages|lib[/\\]python3[^/\\]*|actors[/\\]python)[/\\]/.test(file))
    .at(-1);
  if (!own || !(error instanceof Error)) return error;
  const [, file, line, name] = own;
  const located = new Error(`${messageOf(error)} (${file}:${line} in ${name})`, { cause: error });
  located.name = error.name;
  located.stack = `${located.name}: ${located.message}`;
  return located;
}
