/** What becomes of an episode: as its workflow left it, or failed because the actor that ran it is gone. */

import type { Episode, EpisodeStatus } from "../episode.ts";
import type { EpisodeSession } from "./episode-session.ts";
import { faultsOf } from "./faults.ts";
import { mergeTurns } from "./merge.ts";
import type { EpisodeRequest } from "./rollout-options.ts";
import { toolRunsOf } from "./tool-runs.ts";
import type { EpisodeTuner } from "./tuner.ts";
import type { WorkflowEnd } from "./workflow-run.ts";

/** The episode of a workflow that has ended. */
export function episodeOf(session: EpisodeSession, tuner: EpisodeTuner, end: WorkflowEnd): Episode {
  const { status, error } = statusOf(session, tuner, end);
  const turns = [...session.recorder.turns];
  const toolRuns = toolRunsOf(turns, tuner.toolRuns);
  return {
    ...asked(session.request),
    status,
    ...(error === undefined ? {} : { error }),
    turns,
    toolRuns,
    faults: faultsOf(turns, toolRuns),
    sequences: status === "failed" ? [] : mergeTurns(turns),
    judgeInput: { ...tuner.judgeInput },
    durationMs: performance.now() - session.startedAtMs,
  };
}

/**
 * An engine or sandbox that failed fails the episode even where the workflow got over it, so that no reward is taken
 * from it; a full context is the model's own doing, also where the workflow threw because of it.
 */
function statusOf(
  session: EpisodeSession,
  tuner: EpisodeTuner,
  end: WorkflowEnd,
): { readonly status: EpisodeStatus; readonly error: string | undefined } {
  const broken = end.late ? end.error : (session.engineFailure ?? tuner.sandboxFailure);
  if (broken !== undefined) return { status: "failed", error: broken };
  if (session.contextOverflow !== undefined) return { status: "context_overflow", error: session.contextOverflow };
  return { status: end.error === undefined ? "finished" : "failed", error: end.error };
}

/** An episode of which nothing is left but why. */
export function failedEpisode(request: EpisodeRequest, error: string): Episode {
  return {
    ...asked(request),
    status: "failed",
    error,
    turns: [],
    toolRuns: [],
    faults: { malformedCall: false, noPrint: false, earlyAnswer: false, toolUse: false },
    sequences: [],
    judgeInput: {},
    durationMs: 0,
  };
}

function asked({ episodeId, task, split, step, repeat }: EpisodeRequest) {
  return { episodeId, taskId: task.taskId, split, step, repeat };
}
