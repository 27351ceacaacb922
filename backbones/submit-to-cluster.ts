/** A run as a job of a cluster: checked here, registered with the head, followed until it ends or nobody listens. */

import { dirname, join } from "node:path";
import { type AstuneConfig, checkInputs, type LoadedConfig, UserError } from "../configs/index.ts";
import type { HeadAccess } from "../runtime/client/index.ts";
import type { NodeInfo } from "../runtime/index.ts";
import { followJob, getJob, isEnded, type JobInfo, type JobSpec, listJobs, submitJob } from "../runtime/jobs/index.ts";
import { Experiment } from "./experiment/index.ts";
import { experimentFolder, newestExperiment } from "./experiment-folder.ts";

export interface ClusterSubmission {
  readonly loaded: LoadedConfig;
  readonly head: HeadAccess;
  readonly resume: boolean;
  /** The class that runs the loop: its constructor takes `{ conf, folder, searchFolders, resume }`. Default: `TuningJob`. */
  readonly entry?: JobSpec<never[]>["entry"];
  say(line: string): void;
}

export interface SubmittedRun {
  readonly jobId: string;
  readonly folder: string;
}

/** Named and not imported: what it needs is for the process that runs it. */
const tuningJob = { root: "package", path: "backbones/trinity/tuning-job.ts", name: "TuningJob" } as const;
/** A run whose machine or process dies goes on from its last checkpoint elsewhere, so often. */
const maxRestarts = 3;
/** What the user set for runs here holds for the job's processes. */
const passedOn = ["ASTUNE_PYTHON", "HF_HOME", "HF_HUB_OFFLINE"];

/** Registers the run; done when the head has it on disk. Throws a `UserError` for bad input. */
export async function submitToCluster({
  loaded,
  head,
  resume,
  entry = tuningJob,
  say,
}: ClusterSubmission): Promise<SubmittedRun> {
  const { config } = loaded;
  checkInputs(config, loaded.where);
  const folder = resume ? await newestExperiment(loaded) : experimentFolder(loaded);
  await checkNobodyWritesTo(folder, head);
  const yaml = loaded.expandedYaml();
  await (resume ? Experiment.reopen(folder, yaml) : Experiment.create(folder, yaml));

  const conf = join(folder, "config.yaml");
  const searchFolders = [dirname(loaded.path), process.cwd()];
  const gpus = gpusOf(config, (await head.ask("nodes", null)) as NodeInfo[]);
  const { jobId } = await submitJob(
    {
      entry,
      args: [{ conf, folder, searchFolders, resume }],
      name: loaded.experimentName,
      entrypoint: `astune submit ${loaded.path} --backbone trinity${resume ? " --resume" : ""}`,
      metadata: { folder },
      resources: gpus > 0 ? { GPU: gpus } : {},
      actorOptions: { maxRestarts, runtimeEnv: { workingDir: process.cwd(), envVars: environment() } },
    },
    head,
  );
  for (const warning of loaded.warnings) say(warning);
  say(`experiment folder: ${folder}`);
  say(`job ${jobId}; its log again: astune logs -f ${jobId}; end it: astune kill ${jobId}`);
  return { jobId, folder };
}

/** Writes the job's log as it grows, until the job ends. Throws the signal's reason when it is aborted: the job goes on. */
export async function followRun(
  jobId: string,
  { head, write, signal }: { readonly head: HeadAccess; write(text: string): void; readonly signal: AbortSignal },
): Promise<JobInfo> {
  const waiting = await getJob(jobId, head);
  if (waiting && waiting.pendingReasons.length > 0) write(`${waiting.message}\n`);
  for await (const text of followJob(jobId, head, signal)) write(text);
  const job = await getJob(jobId, head);
  if (!job) throw new Error(`the head does not know job ${jobId} any more`);
  return job;
}

/** The GPUs that a run takes: all it may have of the machines that have most. */
export function gpusOf(
  { trainer_common: trainer, trinity }: Pick<AstuneConfig, "trainer_common" | "trinity">,
  nodes: readonly Pick<NodeInfo, "alive" | "resources">[],
): number {
  const perNode = trainer.n_gpus_per_node;
  const machines = trinity.layout === "colocated" ? 1 : trainer.nnodes;
  if (perNode !== "auto") return machines * perNode;
  const found = nodes.flatMap(({ alive, resources }) => (alive ? [resources["GPU"] ?? 0] : []));
  const largest = found.sort((a, b) => b - a).slice(0, machines);
  return largest.reduce((sum, gpus) => sum + gpus, 0);
}

async function checkNobodyWritesTo(folder: string, head: HeadAccess): Promise<void> {
  const writer = (await listJobs(head)).find((job) => job.metadata["folder"] === folder && !isEnded(job));
  if (!writer) return;
  throw new UserError({
    where: folder,
    expected: "an experiment that nobody writes to",
    found: `job ${writer.jobId}, which is ${writer.status}`,
    fix: `follow it: astune logs -f ${writer.jobId}; or end it: astune kill ${writer.jobId}`,
  });
}

function environment(): Record<string, string> {
  return Object.fromEntries(passedOn.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}
