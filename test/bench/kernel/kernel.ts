/**
 * The learner's fused head beside the products alone and beside the other ways to the same gradients, on one GPU; see
 * kernel_bench.py for what is measured. Without a GPU or nvcc it says so in one line and exits with code 2.
 */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { pythonPath } from "../../../actors/learner/index.ts";
import type { BenchRow } from "../bench.ts";

const PROGRAM = fileURLToPath(new URL("kernel_bench.py", import.meta.url));

interface Timing {
  readonly way: string;
  readonly tokens: number;
  readonly width: number;
  readonly ms: readonly number[];
  readonly gib: number;
  /** Milliseconds of the products that the way cannot do without. */
  readonly products?: number;
  readonly goal?: number | null;
}

interface GradientError {
  readonly error: string;
  readonly width: number;
  readonly ours: number;
  readonly plain: number;
}

/** Rows of time over the products and of error over the plain version's. */
export async function kernelSpeed(): Promise<BenchRow[]> {
  const child = spawn(pythonPath(), [PROGRAM], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
  const rows: BenchRow[] = [];
  for await (const line of createInterface({ input: child.stdout }))
    rows.push(rowOf(JSON.parse(line) as Timing | GradientError));
  if ((await ended) !== 0) process.exit(2);
  return rows;
}

function rowOf(measured: Timing | GradientError): BenchRow {
  if ("error" in measured) {
    const { error, width, ours, plain } = measured;
    return {
      name: `error of the gradient of ${error}, width ${width}`,
      ours: Number(ours.toPrecision(3)),
      unit: "‖error‖ / ‖exact‖",
      anchor: Number(plain.toPrecision(3)),
      anchorName: "plain bf16",
      goal: { atMost: 1 },
      spread: "4,096 tokens, vocabulary 32,000, against float64",
    };
  }
  const { way, tokens, width, ms, gib, products, goal } = measured;
  const row: BenchRow = {
    name: `${way}, ${tokens} tokens, width ${width}`,
    ours: Number((ms[2] ?? Number.NaN).toPrecision(5)),
    unit: "ms",
    spread: `${ms.map((one) => one.toFixed(2)).join(", ")} ms; +${gib.toFixed(2)} GiB`,
  };
  if (products === undefined) return row;
  const anchor = {
    anchor: Number(products.toPrecision(5)),
    anchorName: `${way.includes("gspo") ? "four" : "three"} products`,
  };
  return goal === null || goal === undefined ? { ...row, ...anchor } : { ...row, ...anchor, goal: { atMost: goal } };
}
