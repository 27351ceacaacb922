/** One bubblewrap process with Python's fork server in it: runs one piece of code at a time, and dies with this process. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bubblewrapArguments, type PythonPlace } from "./bubblewrap.ts";
import type { CompleteLimits } from "./limits.ts";
import { ReplyReader } from "./reply-reader.ts";
import type { RawRun } from "./result.ts";
import { SandboxError } from "./sandbox.ts";

/** How the fork servers of one sandbox are started; found once by trying. */
export interface ForkServerPlan {
  readonly bwrap: string;
  readonly python: PythonPlace;
  /** Whether bubblewrap itself is started as the user `nobody`, which only root can do. */
  readonly asNobody: boolean;
  /** Whether each run gets namespaces of its own; where not, a server serves a single run. */
  readonly nested: boolean;
}

const sources = ["fork_server.py", "isolation.py"].map((name) => ({
  file: fileURLToPath(new URL(name, import.meta.url)),
  path: `/sandbox/${name}`,
}));
const nobody = 65_534;
const startMs = 20_000;
/** How much later than its own limit a run is ended from outside. */
const graceMs = 3_000;

export class ForkServer {
  /** Whether its runs are isolated from each other, so that it can serve many. */
  readonly nested: boolean;
  readonly #process: ChildProcess;
  readonly #replies: ReplyReader;
  readonly #limits: CompleteLimits;

  private constructor(process: ChildProcess, replies: ReplyReader, limits: CompleteLimits, nested: boolean) {
    this.#process = process;
    this.#replies = replies;
    this.#limits = limits;
    this.nested = nested;
  }

  /** Starts one and waits until it is ready. Throws a {@link SandboxError} with what bubblewrap or Python wrote. */
  static async start(plan: ForkServerPlan, limits: CompleteLimits): Promise<ForkServer> {
    const { memoryBytes, outputBytes, processes, fileBytes } = limits;
    const numbers = [memoryBytes, outputBytes, processes, fileBytes, plan.nested ? 1 : 0].map((n) =>
      String(Math.floor(n)),
    );
    const files = sources.map(({ path }, index) => ({ fd: 3 + index, path }));
    const boot = "import sys; sys.path.insert(0, '/sandbox'); import fork_server; fork_server.main()";
    const parameters = await bubblewrapArguments(plan.python, files, ["-c", boot, ...numbers]);
    const fds = sources.map(({ file }) => openSync(file, "r"));
    const child = spawn(plan.bwrap, parameters, {
      cwd: "/",
      stdio: ["pipe", "pipe", "pipe", ...fds],
      env: { PATH: "/usr/bin:/bin", HOME: "/tmp", LANG: "C.UTF-8" },
      ...(plan.asNobody && { uid: nobody, gid: nobody }),
    });
    for (const fd of fds) closeSync(fd);
    const replies = new ReplyReader(child);
    const deadline = setTimeout(() => child.kill("SIGKILL"), startMs);
    try {
      const [ready, kind] = (await replies.line()).split(" ");
      if (ready !== "ready") throw new SandboxError(`the sandbox answered ${ready}`);
      return new ForkServer(child, replies, limits, kind === "nested");
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Runs one piece of code. Throws a {@link SandboxError} when the server went down, also when it was ended from here. */
  async run(code: string): Promise<RawRun> {
    const { timeMs } = this.#limits;
    const bytes = Buffer.from(code, "utf8");
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      this.kill();
    }, timeMs + graceMs);
    try {
      this.#process.stdin?.write(`${bytes.length} ${Math.ceil(timeMs)}`.padEnd(32));
      this.#process.stdin?.write(bytes);
      const [status = "", stopped = "-", outLength = "0", errLength = "0"] = (await this.#replies.line()).split(" ");
      const stdout = await this.#replies.text(Number(outLength));
      const stderr = await this.#replies.text(Number(errLength));
      const stoppedBy = stopped === "time" || stopped === "output" || stopped === "memory" ? stopped : undefined;
      return { returnCode: Number(status), stdout, stderr, stoppedBy };
    } catch (error) {
      if (isLate) return { returnCode: -1, stdout: "", stderr: "", stoppedBy: "time" };
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  /** Ends it and all that runs in it, without waiting. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  /** Ends it and waits until it is gone. */
  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, "exit");
    this.kill();
    await gone;
  }
}
