/** The crew of the trinity backbone: every actor in a process of its own, wherever the runtime places it. */

import { JudgeActor, LearnerActor, RolloutActor } from "../../actors/index.ts";
import { type AstuneConfig, UserError } from "../../configs/index.ts";
import {
  getRuntimeContext,
  nodes,
  type PlacementGroup,
  placementGroup,
  placementGroupTable,
  put,
  registerErrorClass,
  remote,
  removePlacementGroup,
} from "../../runtime/index.ts";
import type { Crew, CrewOptions } from "../loop/index.ts";
import {
  chooseWeightPath,
  closeAll,
  judgeOptions,
  learnerOptions,
  learnerPart,
  rolloutOptions,
  WeightDelivery,
} from "../loop/index.ts";
import { endActor } from "./end-actor.ts";
import { chooseOnCluster, EngineGroup } from "./engine-group.ts";
import { EpisodeDrain } from "./episode-drain.ts";
import { type Layout, planLayout } from "./layout.ts";
import { RolloutPool } from "./rollout-pool.ts";

// What an actor finds wrong with the user's files is told as such here, too.
registerErrorClass(UserError);

/**
 * Starts learner, engines, rollouts and judge on the runtime that `init` has started. What was started is closed again
 * when a later start fails. Throws a `UserError` where the configuration does not fit the cluster.
 */
export async function openTrinityCrew(options: CrewOptions): Promise<Crew> {
  const { config, logFolder, say } = options;
  const machines = (await nodes()).filter((node) => node.alive);
  const layout = planLayout(
    options.afterLoss === true ? onWhatIsLeft(config, machines.length) : config,
    machines.map((node) => ({ name: node.nodeManagerHostname, gpus: node.resources["GPU"] ?? 0 })),
  );
  say(`layout: ${layout.description}`);
  const closers: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= closeAll(closers, say);
    return closing;
  };
  try {
    const name = `crew of ${getRuntimeContext().getActorId() ?? "a driver"}`;
    if (options.afterLoss === true) await removeGroups(name);
    const group = layout.bundles.length > 0 ? placementGroup(layout.bundles, { name }) : undefined;
    if (group !== undefined) {
      closers.push(() => removePlacementGroup(group));
      await group.ready();
    }
    const choice = await chooseOnCluster(config, layout, group);
    say(`engine: ${choice.kind} (${choice.reason})`);
    const engines = EngineGroup.make(config, choice.kind, layout, group, logFolder);
    for (const engine of engines.handles) closers.push(() => endActor(engine));

    const learner = remote(LearnerActor).options(placeOfLearner(layout, group)).remote({ logDir: logFolder });
    closers.push(() => endActor(learner));
    say("loading the model into the learner and the engines");
    // On shared GPUs an engine measures the free memory when it starts, so it is not to start while the model loads.
    if (layout.takesTurns) await learner.load.remote(learnerOptions(config, layout.learner.gpus, options.totalUpdates));
    const [infos] = await Promise.all([
      engines.start(),
      layout.takesTurns
        ? undefined
        : learner.load.remote(learnerOptions(config, layout.learner.gpus, options.totalUpdates)),
    ]);

    const maxConcurrency = Math.max(1000, config.rollout.max_env_worker);
    const pool = await RolloutPool.start({
      actors: config.trinity.runner_per_model * engines.handles.length,
      say,
      make: async () => {
        const actor = remote(RolloutActor)
          .options({ maxConcurrency })
          .remote({ ...rolloutOptions(config, options.searchFolders), engines: engines.handles });
        await actor.start.remote();
        return actor;
      },
    });
    closers.push(() => pool.close());
    // A judge keeps nothing: one that is lost is made again, and asked again.
    const judge = remote(JudgeActor)
      .options({ maxConcurrency, maxRestarts: -1, maxTaskRetries: -1 })
      .remote(judgeOptions(config, options.searchFolders));
    closers.push(() => endActor(judge));
    await judge.start.remote();

    const drain = config.trinity.partial_rollout ? undefined : new EpisodeDrain(engines.handles.length);
    const hello = await learner.hello.remote();
    const nodeId = await learner.nodeId.remote();
    const facts = { engine: choice.kind, learnerGpus: layout.learner.gpus, sharesGpus: layout.takesTurns };
    const delivery = new WeightDelivery({
      path: chooseWeightPath(config.inference.weight_transfer, facts),
      learner,
      engines: engines.handles,
      workersPerEngine: config.rollout.tensor_model_parallel_size,
      folder: options.weightsFolder,
      host: machines.find((node) => node.nodeId === nodeId)?.nodeManagerAddress ?? "127.0.0.1",
      say,
    });
    let served: number | undefined;
    return {
      description: `${infos.length} × ${infos[0]?.kind} ${infos[0]?.version}, learner on ${hello.device}`,
      async runEpisode(request) {
        const episode = await (drain === undefined
          ? pool.run(request)
          : drain.onOneEngine((engine) => pool.run({ ...request, engine })));
        // Without its engine every episode would fail: that is the run's loss and not the episode's.
        if (episode.status === "failed") await engines.check();
        return episode;
      },
      judge: async (task, episode) => judge.judge.remote({ task, episode }),
      async train(samples, train) {
        await engines.makeRoom();
        return learner.train.remote(put([...samples]), train, options.badBatchFolder);
      },
      async publishWeights(version) {
        if (version !== served) {
          await delivery.prepare(version);
          await engines.wake();
          await engines.each((index) => delivery.deliver(index, version), drain);
          served = version;
        }
        await engines.wake();
      },
      ...learnerPart(learner),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A group ends with the actor that made it, not with a process of it: what an earlier one reserved is given back here. */
async function removeGroups(name: string): Promise<void> {
  const left = (await placementGroupTable()).filter((group) => group.name === name && group.state !== "REMOVED");
  await Promise.all(left.map(({ placementGroupId }) => removePlacementGroup({ id: placementGroupId })));
}

/** The same configuration on no more machines than there are. */
function onWhatIsLeft(config: AstuneConfig, machines: number): AstuneConfig {
  const { trainer_common: trainer } = config;
  const nnodes = Math.max(1, Math.min(trainer.nnodes, machines));
  return { ...config, trainer_common: { ...trainer, nnodes } };
}

function placeOfLearner({ learner }: Layout, group: PlacementGroup | undefined) {
  if (group === undefined || learner.bundle === undefined) return {};
  return { numGpus: learner.gpus, schedulingStrategy: { placementGroup: group, bundleIndex: learner.bundle } };
}
