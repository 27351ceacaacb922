/** How long one run of trivial code takes in the warm sandbox, one at a time and with every core at work. */

import { cpus } from "node:os";
import { openSandbox } from "../../actors/rollout/sandbox/index.ts";
import type { BenchRow } from "./bench.ts";

const RUNS = 400;

export async function sandboxSpeed(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const concurrency of [1, cpus().length]) {
    const sandbox = await openSandbox({ concurrency });
    try {
      await sandbox.run("print(1)");
      const times: number[] = [];
      const one = async (): Promise<void> => {
        const started = performance.now();
        const { stdout } = await sandbox.run("print(6 * 7)");
        if (stdout !== "42\n") throw new Error(`expected 42, got ${JSON.stringify(stdout)}`);
        times.push(performance.now() - started);
      };
      const started = performance.now();
      await Promise.all(
        Array.from({ length: concurrency }, async () => {
          for (let run = 0; run < RUNS / concurrency; run++) await one();
        }),
      );
      const perSecond = times.length / ((performance.now() - started) / 1000);
      times.sort((a, b) => a - b);
      const at = (share: number): string => (times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(1);
      rows.push({
        name: `${sandbox.kind}, ${concurrency} at a time`,
        ours: Math.round(perSecond),
        unit: "runs/s",
        spread: `p5 ${at(0.05)}, median ${at(0.5)}, p95 ${at(0.95)} ms of ${times.length} runs`,
      });
    } finally {
      await sandbox.close();
    }
  }
  return rows;
}
