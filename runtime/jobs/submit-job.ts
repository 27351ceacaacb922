// Submitting a job: its entry by reference, its arguments as they travel, what it needs, checked here.
import { randomBytes } from "node:crypto";
import { userInfo } from "node:os";
import { byWire, type Companions, encodePacked } from "../calls/index.ts";
import type { HeadAccess } from "../client/index.ts";
import { type CodeRef, codeRefOf } from "../code/index.ts";
import type { JobInfo, JobSubmission } from "../control/index.ts";
import { type ActorOptions, compileActorOptions, compileUnits } from "../core/index.ts";
import { InvalidOptionError } from "../errors/index.ts";
import { ownHead } from "./jobs.ts";
import type { Runnable } from "./runnable.ts";

/** A class that its module exports, or the reference of one. */
export type JobEntry<Args extends readonly never[]> = (new (...args: Args) => Runnable) | CodeRef;

export interface JobSpec<Args extends readonly never[]> {
  readonly entry: JobEntry<Args>;
  /** The constructor's. Plain values: no references and no handles, which end with their process. */
  readonly args?: Readonly<Args> | readonly unknown[];
  /** Default: a new one. Letters, digits, `_`, `-` and `.`; refused where a job has it already. */
  readonly jobId?: string;
  readonly name?: string;
  /** What it runs, for people. Default: the class's name. */
  readonly entrypoint?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * What it will take together with the actors it makes, as `{ CPU: 4, GPU: 2 }`. It waits, in the order of submission,
   * until so much is free, and what is free is kept for it. Default: nothing; it starts at once.
   */
  readonly resources?: Readonly<Record<string, number>>;
  /** Of the actor that runs the entry. By default it holds nothing and is not made again when it dies. */
  readonly actorOptions?: Pick<
    ActorOptions,
    "numCpus" | "numGpus" | "memory" | "resources" | "labelSelector" | "runtimeEnv" | "maxRestarts"
  >;
}

/** The actor of every job, by this room's door: in a host that is the door of the runtime that runs there. */
const jobActor: CodeRef = { root: "package", path: "runtime/jobs/index.ts", name: "JobActor" };

/** Puts a job into the head's queue; done when it is stored there. Rejects with InvalidOptionError for a bad `spec`. */
export async function submitJob<Args extends readonly never[]>(
  spec: JobSpec<Args>,
  head: HeadAccess = ownHead(),
): Promise<JobInfo> {
  const { jobId = `job_${randomBytes(6).toString("hex")}`, metadata = {}, name = "" } = spec;
  if (!/^[\w.-]{1,100}$/.test(jobId))
    throw InvalidOptionError.of("jobId", "up to 100 letters, digits, _, - and .", jobId);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string") throw InvalidOptionError.of(`metadata.${key}`, "a text", value);
  }
  const entry: CodeRef = typeof spec.entry === "function" ? codeRefOf(spec.entry) : spec.entry;
  const table = { className: entry.name, methods: new Map(), hasAsync: true };
  const options = compileActorOptions(table, { numCpus: 0, ...spec.actorOptions });
  const given = [jobId, entry, [...(spec.args ?? [])]];
  const submission: JobSubmission = {
    jobId,
    requestId: randomBytes(8).toString("hex"),
    name,
    entrypoint: spec.entrypoint ?? entry.name,
    metadata,
    user: userInfo().username,
    resources: compileUnits(spec.resources ?? {}, "resources.*"),
    className: entry.name,
    code: jobActor,
    args: given.map((value) => encodePacked(byWire.pack(value, "args"), plainOnly)),
    request: options.request,
    runtimeEnv: options.runtimeEnv,
    maxRestarts: options.maxRestarts,
  };
  return (await head.ask("submitJob", submission)) as JobInfo;
}

function refused(): never {
  throw InvalidOptionError.of(
    "args",
    "plain values: a job outlives the process that submits it",
    "a reference or handle",
  );
}

const plainOnly: Companions = {
  describeObject: refused,
  describeActor: refused,
  object: refused,
  actor: refused,
  stored: refused,
};
