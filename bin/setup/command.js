// Runs a program for the setup: its output goes to the terminal, its failure is told with its exit status.
import { spawn, spawnSync } from "node:child_process";

/** Runs a program with the terminal's own output; resolves to its exit status (128 + signal where one ended it). */
export function run(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ["ignore", "inherit", "inherit"], ...options });
    const forward = (signal) => child.kill(signal);
    process.on("SIGINT", forward).on("SIGTERM", forward);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      process.off("SIGINT", forward).off("SIGTERM", forward);
      resolve(code ?? (signal === "SIGINT" ? 130 : 143));
    });
  });
}

/** The first line that a program prints, or undefined where it is missing or fails. */
export function ask(file, args) {
  const { status, stdout } = spawnSync(file, args, { encoding: "utf8", timeout: 20_000 });
  return status === 0 ? stdout.trim().split("\n")[0] : undefined;
}
