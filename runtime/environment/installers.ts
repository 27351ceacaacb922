// pip and npm, run for one environment.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RuntimeEnvSetupError } from "../errors/index.ts";

const lastLines = 12;

/**
 * Makes a Python environment in `folder` with these requirements. What the interpreter's own environment has is seen too,
 * after it. Rejects with RuntimeEnvSetupError.
 */
export async function installPip(
  requirements: readonly string[],
  folder: string,
  python: string,
  signal: AbortSignal,
): Promise<void> {
  const facts = "import sys; print(sys._base_executable)";
  const paths = "import sysconfig; print(sysconfig.get_path('purelib')); print(sysconfig.get_path('platlib'))";
  const [[base = python], theirs] = await Promise.all([
    run("pip", python, ["-c", facts], signal),
    run("pip", python, ["-c", paths], signal),
  ]);
  // An environment with a pip of its own takes some seconds to make: the interpreter's is used where it has one.
  const shared = await run("pip", base, ["-m", "pip", "--version"], signal).catch(() => undefined);
  await run("pip", python, ["-m", "venv", ...(shared ? ["--without-pip"] : []), folder], signal);
  const own = join(folder, "bin", "python");
  const [target = ""] = await run("pip", own, ["-c", paths], signal);
  const pip = shared ? [base, "-m", "pip", "--python", own] : [own, "-m", "pip"];
  const [program = own, ...args] = pip;
  const flags = ["install", "--quiet", "--disable-pip-version-check", "--no-input"];
  await run("pip", program, [...args, ...flags, "--", ...requirements], signal);
  // The hosts' own packages (grpcio, msgpack, numpy) come after those that were asked for.
  writeFileSync(join(target, "astune_host.pth"), `${[...new Set(theirs)].join("\n")}\n`);
}

/** Installs npm packages into `folder`/node_modules. Rejects with RuntimeEnvSetupError. */
export async function installNpm(packages: readonly string[], folder: string, signal: AbortSignal): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "package.json"), `{ "private": true, "type": "module" }\n`);
  // A local folder is copied: a link would lead back to what only this machine has.
  const flags = ["--no-audit", "--no-fund", "--no-progress", "--install-links", "--prefer-offline", "--loglevel=error"];
  await run("npm", npmProgram(), ["install", "--prefix", folder, ...flags, "--", ...packages], signal);
}

/** npm of the Node that runs this, else of the PATH. */
function npmProgram(): string {
  const beside = join(process.execPath, "..", "npm");
  return existsSync(beside) ? beside : "npm";
}

/** The lines of its output. Its processes end when `signal` is aborted. */
function run(what: string, program: string, args: readonly string[], signal: AbortSignal): Promise<string[]> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], detached: true, env: { ...process.env } });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => output.push(text));
  }
  const stop = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  };
  signal.addEventListener("abort", stop, { once: true });
  return new Promise<string[]>((resolve, reject) => {
    const lines = () => output.join("").trim().split("\n");
    child.once("error", (error) =>
      reject(new RuntimeEnvSetupError(`${what}: ${program} cannot be run: ${error.message}`)),
    );
    child.once("close", (code, killed) => {
      if (code === 0) return resolve(lines());
      const last = lines().slice(-lastLines).join("\n");
      reject(new RuntimeEnvSetupError(`${what} ended with ${code === null ? killed : `status ${code}`}:\n${last}`));
    });
  }).finally(() => signal.removeEventListener("abort", stop));
}
