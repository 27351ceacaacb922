/** A judge written in Python: it is asked in a Python process, an actor of the runtime. */

import { pythonClass, type RemoteClass } from "../../runtime/index.ts";
import type { JudgeResult } from "../episode.ts";
import { type PythonSource, pythonLoadError } from "../protocol/index.ts";
import type { Judge, JudgeInput } from "./judge.ts";

/** What the Python side is told; only plain data leaves the process. */
type PythonInput = Readonly<Record<string, unknown>>;

/** `astune.judge_host`, as it is called from here. */
interface JudgeHost {
  compute_reward(input: PythonInput): Promise<JudgeResult>;
}

type HostClass = RemoteClass<
  new (
    module: string,
    name: string,
    folders: readonly string[],
    options: Readonly<Record<string, unknown>>,
  ) => JudgeHost
>;

/** A class whose instances ask the Python judge. */
export function pythonJudge(source: PythonSource): new (options: Readonly<Record<string, unknown>>) => Judge {
  const { module, className, folders } = source;
  return class {
    readonly #host: ReturnType<HostClass["remote"]>;

    constructor(options: Readonly<Record<string, unknown>>) {
      const Host: HostClass = pythonClass("astune.judge_host->JudgeHost", { compute_reward: "async" }, { folders: [] });
      this.#host = Host.options({ numCpus: 0, maxRestarts: -1 }).remote(module, className, folders, options);
    }

    /** Throws a `UserError` where the class cannot be imported or its constructor raised. */
    async ready(): Promise<void> {
      await this.#host.__ray_ready__.remote().then(undefined, (error: unknown) => {
        throw pythonLoadError(source, error);
      });
    }

    async computeReward({ turns: _, env: __, ...input }: JudgeInput): Promise<JudgeResult> {
      return this.#host.compute_reward.remote(input);
    }

    close(): void {
      this.#host[Symbol.dispose]();
    }
  };
}
