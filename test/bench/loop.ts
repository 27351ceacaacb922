/**
 * Asynchronous over synchronous steps an hour, on the same eight GPUs, for episodes with a long tail. The loop, its buffer,
 * the runtime, RolloutActors and the judge are the real ones; engines and learner are simulated and only take time. That
 * time is simulated too: it jumps to the next event whenever nothing else is going on, so the figures hold for any machine.
 *
 * The case: 64 tasks × 8 episodes a step; lengths log-normal with median 400, cut at 8,192 tokens; a GPU generates 60
 * tokens/s a sequence and 3,840 tokens/s in all; an update takes 20 s on 8 GPUs or 40 s on 4; new weights 1 s.
 * Synchronous: all 8 GPUs generate, then all learn. Asynchronous: 4 generate, 4 learn, at their own pace.
 *
 * No schedule makes asynchronous steps faster than the largest of: an update and its swap (41 s); the step's tokens at the
 * full rate of 4 GPUs, and the swap in which they stand still; and, as no group may be trained more than `max_staleness`
 * updates after it began, the longest episode and its update, over max_staleness + 1 steps.
 */

import type { MetricsRow } from "../../backbones/experiment/index.ts";
import type { BenchRow } from "./bench.ts";
import { RATES } from "./loop/simulated-gpu.ts";
import { lengthsOf, type SimulatedCase, simulate } from "./loop/simulated-run.ts";

const REPEATS = 3;
const SEEDS = Array.from({ length: REPEATS }, (_, index) => index + 1);
/** Steps before which the pipeline is not yet full. */
const WARM_UP = 4;
const ASYNC_STEPS = 12;
const SYNC_STEPS = 6;
const SWAP_SECONDS = 1;
const GOAL = 0.9;

const lockstep = { engines: 8, learnSeconds: 20, maxStaleness: 0, steps: SYNC_STEPS } as const;
const asynchronous = { engines: 4, learnSeconds: 40, steps: WARM_UP + ASYNC_STEPS } as const;

const caseOf = (of: Pick<SimulatedCase, "engines" | "learnSeconds" | "maxStaleness" | "steps">, seed: number) => ({
  ...of,
  seed,
  swapSeconds: SWAP_SECONDS,
  tasksPerStep: 64,
  repeats: 8,
  maxParallel: 1024,
});

export async function loopSpeed(): Promise<BenchRow[]> {
  const synchronous: Measured[] = [];
  for (const seed of SEEDS) synchronous.push(await measure(caseOf(lockstep, seed), 0));
  const syncSeconds = mean(synchronous.map((run) => run.stepSeconds));
  const rows: BenchRow[] = [
    {
      name: "synchronous, 8 shared GPUs",
      ours: round(3600 / syncSeconds),
      unit: "steps/h",
      anchor: round(3600 / mean(synchronous.map((run) => run.longestSeconds + lockstep.learnSeconds + SWAP_SECONDS))),
      anchorName: "longest episode + update + swap:",
      spread: spreadOf(synchronous.map((run) => 3600 / run.stepSeconds)) + paceOf(synchronous),
    },
  ];
  for (const maxStaleness of [1, 4]) {
    const runs: Measured[] = [];
    for (const seed of SEEDS) runs.push(await measure(caseOf({ ...asynchronous, maxStaleness }, seed), WARM_UP));
    const ratios = runs.map((run, index) => (synchronous[index] as Measured).stepSeconds / run.stepSeconds);
    const ofGpus = mean(runs.map((run) => Math.max(asynchronous.learnSeconds + SWAP_SECONDS, run.rolloutSeconds)));
    const ofStaleness = mean(
      runs.map((run) => (run.longestSeconds + asynchronous.learnSeconds + SWAP_SECONDS) / (maxStaleness + 1)),
    );
    const row = {
      name: `trinity on 4 + 4 GPUs over synchronous on 8, max_staleness ${maxStaleness}`,
      ours: round(mean(ratios)),
      unit: "× steps/h",
      spread: `${spreadOf(ratios)}; steps of ${mean(runs.map((run) => run.stepSeconds)).toFixed(1)} s${paceOf(runs)}`,
    };
    rows.push({
      ...row,
      anchor: round(syncSeconds / ofGpus),
      anchorName: `bound by GPUs, max(${asynchronous.learnSeconds + SWAP_SECONDS} s, ${mean(runs.map((run) => run.rolloutSeconds)).toFixed(1)} s), to hold ${GOAL} of`,
    });
    if (ofStaleness <= ofGpus) continue;
    rows.push({
      ...row,
      anchor: round(syncSeconds / ofStaleness),
      anchorName: `bound by max_staleness, ${ofStaleness.toFixed(1)} s, to hold ${GOAL} of`,
    });
  }
  return rows;
}

interface Measured {
  /** Simulated seconds of one step, after the warm-up. */
  readonly stepSeconds: number;
  /** Of a step's tokens at the GPUs' full rate and the swap; of its longest episode alone on a GPU. Both means over steps. */
  readonly rolloutSeconds: number;
  readonly longestSeconds: number;
  readonly simulatedSeconds: number;
  readonly realSeconds: number;
}

async function measure(given: SimulatedCase, warmUp: number): Promise<Measured> {
  const { rows, realSeconds } = await simulate(given);
  const at = (step: number): number => (step === 0 ? 0 : ((rows[step - 1] as MetricsRow)["time/elapsed_seconds"] ?? 0));
  for (const row of rows) {
    const stale = row["staleness/max"] ?? 0;
    if (stale > given.maxStaleness || row["buffer/dropped"] !== 0)
      throw new Error(`step ${row.step}: staleness ${stale}`);
  }
  const steps = Array.from({ length: given.steps }, (_, index) => lengthsOf(given, index + 1));
  const tokens = mean(steps.map((lengths) => lengths.reduce((sum, length) => sum + length, 0)));
  return {
    stepSeconds: (at(given.steps) - at(warmUp)) / (given.steps - warmUp),
    rolloutSeconds: tokens / (RATES.gpu * given.engines) + SWAP_SECONDS,
    longestSeconds: mean(steps.map((lengths) => Math.max(...lengths) / RATES.sequence)),
    simulatedSeconds: at(given.steps),
    realSeconds,
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const round = (value: number): number => Number(value.toPrecision(4));
const spreadOf = (values: readonly number[]): string =>
  `${Math.min(...values).toPrecision(4)}–${Math.max(...values).toPrecision(4)} over ${values.length} seeds`;

/** How much faster than real time it went. */
function paceOf(runs: readonly Measured[]): string {
  const pace = mean(runs.map((run) => run.simulatedSeconds / run.realSeconds));
  return `; simulated, ${Math.round(pace)} × real time`;
}
