/**
 * How far vLLM's log-probabilities are from the learner's: two steps of the math agent, with the weights of the first
 * swapped into vLLM before the second. `--model` is a Hugging Face folder, `--data` a JSONL file of word problems, `--dtype` float32 (the
 * default) or bfloat16, on both sides; `--tasks` and `--episodes` (of each) are what one step has, 2 and 4 unless told. A processor
 * without bfloat16 arithmetic takes minutes for those.
 * The judge of this run spreads rewards over the episodes, so that a model that solves nothing is trained too.
 */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { submit } from "../../backbones/index.ts";
import type { BenchOptions, BenchRow } from "./bench.ts";

const GOALS = { float32: 0.001, bfloat16: 0.03 } as const;

export async function engineAgreement(options: BenchOptions): Promise<BenchRow[]> {
  const { model, data, dtype = "float32", tasks = "2", episodes = "4" } = options;
  if (model === undefined || data === undefined) throw new Error("engine-agreement needs --model DIR and --data FILE");
  if (dtype !== "float32" && dtype !== "bfloat16") throw new Error("--dtype is float32 or bfloat16");
  const metrics = await run(resolve(model), resolve(data), dtype, Number(tasks), Number(episodes));
  return metrics.map((row) => {
    const difference = row["learner/logprob_difference"];
    if (difference === undefined) throw new Error(`step ${row["step"]} trained nothing`);
    return {
      name: `${dtype}, step ${row["step"]}, ${row["learner/trained_tokens"]} tokens`,
      ours: Number(difference.toPrecision(3)),
      unit: "mean |Δ log p|",
      anchor: GOALS[dtype],
      anchorName: "to hold: under",
      spread: `swap ${row["time/weights_seconds"]?.toFixed(1)} s, largest ratio ${row["learner/mismatch_max"]?.toFixed(4)}`,
    };
  });
}

async function run(
  model: string,
  data: string,
  dtype: string,
  tasks: number,
  episodes: number,
): Promise<Record<string, number>[]> {
  const folder = await mkdtemp(join(tmpdir(), "astune-bench-"));
  try {
    const conf = join(folder, "agreement.yaml");
    await writeFile(join(folder, "spread_judge.ts"), JUDGE);
    await writeFile(
      conf,
      JSON.stringify({
        astune: {
          experiment_name: "run",
          experiment_dir: folder,
          task_reader: { type: "dataset_file", dataset_file: { training: { file_path: data } } },
          rollout: {
            agentscope_learn_protocol: "tutorial.example_math_agent.math_agent->ExampleMathLearn",
            num_repeat: episodes,
            temperature: 1,
            max_model_len: 1024,
            max_response_length_in_one_turn: 64,
            max_num_seqs: 16,
            multi_turn: { max_steps: 1 },
          },
          task_judge: { judge_protocol: "spread_judge->SpreadJudge" },
          model: { path: model, dtype },
          data: { train_batch_size: tasks },
          inference: { engine: "vllm", enforce_eager: true },
          trainer_common: {
            total_training_steps: 2,
            use_kl_loss: false,
            gradient_checkpointing: false,
            optim: { lr: 1e-5 },
            save_freq: 100,
          },
        },
      }),
    );
    await submit({ conf, output: process.stderr, signal: new AbortController().signal });
    const text = await readFile(join(folder, "run", "metrics.jsonl"), "utf8");
    return text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, number>);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const JUDGE = `
/** Rewards the share of digits in all that the model wrote: different for different episodes. */
export class SpreadJudge {
  computeReward({ turns }) {
    const text = turns.map((turn) => turn.text).join("");
    return { rawReward: text.replaceAll(/[^0-9]/g, "").length / Math.max(1, text.length), isSuccess: false };
  }
}
`;
