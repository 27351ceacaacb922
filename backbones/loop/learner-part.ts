/** What every crew asks of its learner in the same way. */

import type { LearnerActor } from "../../actors/index.ts";
import type { ActorHandle } from "../../runtime/index.ts";
import type { Crew } from "./crew.ts";

type LearnerPart = Pick<Crew, "saveLearner" | "loadLearner" | "exportModel" | "writeScalars" | "drawCurves">;

/** The part of a crew that is its learner's alone. */
export function learnerPart(learner: ActorHandle<LearnerActor>): LearnerPart {
  return {
    saveLearner: async (folder) => void (await learner.saveCheckpoint.remote(folder)),
    loadLearner: async (folder) => void (await learner.loadCheckpoint.remote(folder)),
    exportModel: async (folder) => void (await learner.exportWeights.remote(folder)),
    writeScalars: async (folder, step, values) => void (await learner.scalars.remote(folder, step, values)),
    drawCurves: async (metrics, image, title) => void (await learner.plot.remote(metrics, image, title)),
  };
}
