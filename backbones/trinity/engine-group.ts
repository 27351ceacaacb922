/** The engines of a run: InferenceActors, each with its own weights, that get new ones together and sleep together. */

import { join } from "node:path";
import {
  decideEngine,
  detectEquipment,
  type EngineChoice,
  EngineDiedError,
  type EngineHealth,
  type EngineInfo,
  InferenceActor,
  type InferenceOptions,
} from "../../actors/index.ts";
import type { AstuneConfig } from "../../configs/index.ts";
import { type ActorHandle, get, type PlacementGroup, type ResourceOptions, remote } from "../../runtime/index.ts";
import { embeddedOptions, vllmOptions } from "../loop/index.ts";
import type { EpisodeDrain } from "./episode-drain.ts";
import type { Layout } from "./layout.ts";

type EngineLayout = Layout["engines"][number];

/** Where an engine is placed. */
function placeOf({ gpus, bundle, shares }: EngineLayout, group: PlacementGroup | undefined): ResourceOptions {
  if (group === undefined || bundle === undefined) return {};
  const schedulingStrategy = { placementGroup: group, bundleIndex: bundle, ...(shares && { shareGpus: true }) };
  return shares ? { numCpus: 0, schedulingStrategy } : { numGpus: gpus, schedulingStrategy };
}

/** Looks for vLLM where the engines will be, not here. Throws a `UserError` where the configuration asks for what is not there. */
export async function chooseOnCluster(
  config: AstuneConfig,
  layout: Layout,
  group: PlacementGroup | undefined,
): Promise<EngineChoice> {
  const { engine } = config.inference;
  const { deterministic } = config;
  const [first] = layout.engines;
  const mustLook = engine === "vllm" || (engine === "auto" && !deterministic && layout.learner.gpus > 0);
  if (!mustLook || first === undefined) return decideEngine(engine, { deterministic }, { cudaDevices: 0 });
  const equipment = await remote(detectEquipment).options(placeOf(first, group)).remote();
  return decideEngine(engine, { deterministic }, equipment);
}

export class EngineGroup {
  readonly handles: readonly ActorHandle<InferenceActor>[];
  readonly #takesTurns: boolean;
  #isAsleep = false;
  #checking: Promise<EngineHealth[]> | undefined;

  private constructor(handles: readonly ActorHandle<InferenceActor>[], takesTurns: boolean) {
    this.handles = handles;
    this.#takesTurns = takesTurns;
  }

  /** Makes the actors; `start` starts their engines. */
  static make(
    config: AstuneConfig,
    kind: EngineChoice["kind"],
    layout: Layout,
    group: PlacementGroup | undefined,
    logFolder: string,
  ): EngineGroup {
    const handles = layout.engines.map((engine, index) => {
      const logDir = join(logFolder, `engine-${index}`);
      const options =
        kind === "vllm" ? vllmOptions(config, engine.gpus, logDir) : embeddedOptions(config, engine.gpus, logDir);
      return remote(InferenceActor)
        .options({ ...placeOf(engine, group), maxConcurrency: 10_000 })
        .remote({ ...inTurns(options, engine, index), partialRollouts: config.trinity.partial_rollout });
    });
    return new EngineGroup(handles, layout.takesTurns);
  }

  async start(): Promise<readonly EngineInfo[]> {
    return get(this.handles.map((engine) => engine.start.remote()));
  }

  /** Whether every engine is there and serves, or will again by itself; rejects with the loss where one is gone. */
  async check(): Promise<void> {
    this.#checking ??= get(this.handles.map((engine) => engine.health.remote())).finally(() => {
      this.#checking = undefined;
    });
    const lost = (await this.#checking).find(({ state }) => state === "failed" || state === "closed");
    if (lost) throw new EngineDiedError({ during: "the run", how: "it did not come back" });
  }

  /** Runs `swap` for each engine: under its running generations, or once `drain` has it dry. */
  async each(swap: (index: number) => Promise<void>, drain: EpisodeDrain | undefined): Promise<void> {
    await Promise.all(
      this.handles.map((_, index) => (drain === undefined ? swap(index) : drain.whenDry(index, () => swap(index)))),
    );
  }

  /** Frees the engines' memory for the learner, where they share it. */
  async makeRoom(): Promise<void> {
    if (!this.#takesTurns) return;
    this.#isAsleep = true;
    // Level 1 keeps the weights: level 2 is known to give wrong ones back.
    await get(this.handles.map((engine) => engine.sleep.remote(1)));
  }

  async wake(): Promise<void> {
    if (!this.#isAsleep) return;
    await get(this.handles.map((engine) => engine.wake.remote()));
    this.#isAsleep = false;
  }
}

/** Engines that share GPUs take different ones of them, and can sleep. */
function inTurns(options: InferenceOptions, { gpus, shares }: EngineLayout, index: number): InferenceOptions {
  if (!shares) return options;
  const own = { gpus: { first: index * gpus, count: gpus } };
  return { ...options, ...own, ...(options.vllm && { vllm: { ...options.vllm, sleepMode: true } }) };
}
