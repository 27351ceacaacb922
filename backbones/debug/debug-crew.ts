/** The crew of the debug backbone: every actor in this process, through the runtime's local implementation. */

import { cpus } from "node:os";
import { join } from "node:path";
import {
  chooseEngine,
  InferenceActor,
  type InferenceOptions,
  JudgeActor,
  LearnerActor,
  RolloutActor,
} from "../../actors/index.ts";
import { get, init, placementGroup, remote, shutdown } from "../../runtime/index.ts";
import type { Crew, CrewOptions } from "../loop/index.ts";
import {
  chooseWeightPath,
  closeAll,
  judgeOptions,
  learnerOptions,
  learnerPart,
  rolloutOptions,
  vllmOptions,
  WeightDelivery,
} from "../loop/index.ts";
import { visibleGpus } from "./visible-gpus.ts";

/** Starts learner, engines, rollout and judge. What was started is closed again when a later start fails. */
export async function openDebugCrew(options: CrewOptions): Promise<Crew> {
  const { config, logFolder, say } = options;
  const gpus = config.trainer_common.n_gpus_per_node === 0 ? 0 : await visibleGpus();
  await init({ local: true, numCpus: cpus().length, numGpus: gpus });
  const closers: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= closeAll(closers, say).then(shutdown);
    return closing;
  };
  try {
    // One bundle holds the machine's GPUs: the learner leases them, the engines share them.
    const group = gpus > 0 ? placementGroup([{ GPU: gpus, CPU: 1 }]) : undefined;
    const lease = group ? { numGpus: gpus, schedulingStrategy: { placementGroup: group, bundleIndex: 0 } } : {};
    const share = group
      ? { numCpus: 0, schedulingStrategy: { placementGroup: group, bundleIndex: 0, shareGpus: true } }
      : {};

    const learner = remote(LearnerActor).options(lease).remote({ logDir: logFolder });
    closers.push(() => get(learner.close.remote()));
    say("loading the model into the learner");
    await learner.load.remote(learnerOptions(config, gpus, options.totalUpdates));

    const choice = await chooseEngine(config.inference.engine, { deterministic: config.deterministic });
    say(`engine: ${choice.kind} (${choice.reason})`);
    const shared = choice.kind === "embedded";
    const { deterministic } = config;
    const served = shared
      ? await learner.serve.remote({ deterministic, maxBatch: config.inference.max_batch })
      : undefined;
    const engineOptions = (index: number): InferenceOptions =>
      served === undefined
        ? { ...vllmOptions(config, gpus, join(logFolder, `engine-${index}`)), onEvent: say }
        : { kind: "embedded", modelPath: config.model.path, socketPath: served.socketPath, logDir: logFolder };
    const engines = Array.from({ length: shared ? 1 : config.rollout.n_vllm_engine }, (_, index) =>
      remote(InferenceActor).options(share).remote(engineOptions(index)),
    );
    for (const engine of engines) closers.push(() => get(engine.close.remote()));
    const infos = await get(engines.map((engine) => engine.start.remote()));

    const maxConcurrency = Math.max(1000, config.debug.debug_max_parallel);
    const rollout = remote(RolloutActor)
      .options({ maxConcurrency })
      .remote({
        ...rolloutOptions(config, options.searchFolders),
        engines,
        log: say,
      });
    closers.push(() => get(rollout.close.remote()));
    await rollout.start.remote();
    const judge = remote(JudgeActor).options({ maxConcurrency }).remote(judgeOptions(config, options.searchFolders));
    closers.push(() => get(judge.close.remote()));
    await judge.start.remote();

    const facts = { engine: choice.kind, learnerGpus: gpus, sharesGpus: true };
    const delivery = new WeightDelivery({
      path: chooseWeightPath(config.inference.weight_transfer, facts),
      learner,
      engines,
      workersPerEngine: config.rollout.tensor_model_parallel_size,
      folder: options.weightsFolder,
      host: "127.0.0.1",
      say,
    });

    const hello = await learner.hello.remote();
    return {
      description: `${infos[0]?.kind} ${infos[0]?.version}, learner on ${hello.device}`,
      runEpisode: async (request) => rollout.runEpisode.remote(request),
      judge: async (task, episode) => judge.judge.remote({ task, episode }),
      train: async (samples, train) => learner.train.remote([...samples], train, options.badBatchFolder),
      async publishWeights(version) {
        if (shared) {
          await learner.setWeightVersion.remote(version);
          await get(engines.map((engine) => engine.setWeights.remote({ version })));
          return;
        }
        await delivery.prepare(version);
        await Promise.all([...engines.keys()].map((index) => delivery.deliver(index, version)));
      },
      ...learnerPart(learner),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
