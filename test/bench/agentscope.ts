/**
 * Many episodes of the AgentScope workflow at once: the workflow as it stands in the tutorial, in warm Python hosts, its
 * model calls through the RolloutActor's proxy and recorder, its code in the sandbox, on a cluster of this machine. Only
 * the engine is simulated: it says what a script has, after the time that a GPU would take. What each episode recorded is
 * compared with the script, token by token.
 */

import { loadavg } from "node:os";
import { join, resolve } from "node:path";
import { type Episode, type EpisodeRequest, RolloutActor } from "../../actors/index.ts";
import { readModelText } from "../../actors/rollout/model-text.ts";
import { init, listActors, remote, shutdown } from "../../runtime/index.ts";
import { deviations, scriptedTask } from "./agentscope/script.ts";
import { SimulatedEngine } from "./agentscope/simulated-engine.ts";
import { Usage } from "./agentscope/usage.ts";
import type { BenchOptions, BenchRow } from "./bench.ts";

const ROOT = resolve(import.meta.dirname, "..", "..");
const MODEL = join(ROOT, "tutorial", "quickstart_model", "model");
const WORKFLOW = "tutorial.example_math_agent.agentscope_math_agent->ExampleMathLearn";

/** `--episodes`: all of them at once, 500 by default. Throws where an episode failed or recorded anything else. */
export async function agentScopeEpisodes(options: BenchOptions): Promise<BenchRow[]> {
  const episodes = Number(options.episodes ?? 500);
  const { tokenizer } = await readModelText(MODEL);
  await init({ address: "local", logToDriver: false });
  try {
    const engine = remote(SimulatedEngine).options({ maxConcurrency: 10_000 }).remote(MODEL);
    await engine.start.remote(episodes);
    const rollout = remote(RolloutActor)
      .options({ maxConcurrency: 10_000 })
      .remote({
        modelPath: MODEL,
        workflow: WORKFLOW,
        searchFolders: [ROOT],
        engines: [engine],
        maxModelLen: 16_384,
        maxResponseTokens: 1024,
        sandbox: {},
      });
    await rollout.start.remote();
    const warm = await rollout.runEpisode.remote(requestOf(0));
    const wrong = deviations(warm, 0, tokenizer);
    if (wrong.length > 0) throw new Error(wrong.join("\n"));

    const pids = (await listActors()).filter((actor) => actor.state === "ALIVE");
    const usage = new Usage(new Map(pids.map(({ pid, className }) => [pid ?? 0, className])));
    const started = performance.now();
    const durations: number[] = [];
    const done: Episode[] = [];
    const one = async (index: number): Promise<void> => {
      done[index] = await rollout.runEpisode.remote(requestOf(index));
      durations.push(performance.now() - started);
    };
    await Promise.all(Array.from({ length: episodes }, (_, index) => one(index)));
    const seconds = (performance.now() - started) / 1000;
    const used = usage.end();
    const failures = done.flatMap((episode, index) => deviations(episode, index, tokenizer));
    for (const line of failures.slice(0, 10)) process.stderr.write(`${line}\n`);
    if (failures.length > 0) throw new Error(`${failures.length} deviations from the script in ${episodes} episodes`);
    await rollout.close.remote();
    return rowsOf(episodes, seconds, durations, used);
  } finally {
    await shutdown();
  }
}

function requestOf(index: number): EpisodeRequest {
  return {
    episodeId: String(index),
    task: scriptedTask(index),
    split: "train",
    step: 1,
    repeat: 0,
    sampling: { temperature: 1, topP: 1, topK: -1, seed: index },
    timeoutMs: 600_000,
  };
}

function rowsOf(
  episodes: number,
  seconds: number,
  durations: number[],
  { parts, peakBytes }: ReturnType<Usage["end"]>,
): BenchRow[] {
  durations.sort((a, b) => a - b);
  const at = (share: number): string =>
    ((durations[Math.floor(share * (durations.length - 1))] ?? 0) / 1000).toFixed(1);
  const cpu = parts.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const round = (value: number): number => Number(value.toPrecision(3));
  const load = `load ${loadavg()[0]?.toFixed(1)}`;
  const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
  const milliseconds = (value: number): number => round((value * 1000) / episodes);
  return [
    {
      name: `${episodes} episodes at once`,
      ours: round(episodes / seconds),
      unit: "episodes/s",
      spread: `${seconds.toFixed(1)} s; done after p5 ${at(0.05)}, median ${at(0.5)}, last ${at(1)} s; ${load}`,
    },
    {
      name: "episodes that failed or recorded other tokens",
      ours: 0,
      unit: "episodes",
      spread: `of ${episodes}, each compared with the script`,
    },
    { name: "CPU time, all processes", ours: milliseconds(cpu), unit: "ms/episode", spread: `${cpu.toFixed(1)} s` },
    {
      name: "memory, all processes, peak",
      ours: megabytes(peakBytes),
      unit: "MB",
      spread: "proportional set size, once a second",
    },
    ...parts.map(({ part, processes, peakBytes: peak, cpuSeconds }) => ({
      name: `memory of ${part}, peak`,
      ours: megabytes(peak),
      unit: "MB",
      spread: `${processes} process${processes === 1 ? "" : "es"}; CPU ${milliseconds(cpuSeconds)} ms/episode`,
    })),
  ];
}
