// The life of every submitted job: it waits in order until what it needs is free, its detached actor is made, it ends of
// its own, by a stop or with its actor. Every change is on disk before it is told, so jobs outlive the head's process.
import type { ActorDeath, JobErrorType, JobInfo, JobOutcome, JobSubmission } from "../control/index.ts";
import { newId } from "../core/index.ts";
import { InvalidOptionError, RaySystemError } from "../errors/index.ts";
import { minus, type Units } from "../scheduling/index.ts";
import type { ActorTable } from "./actor-table.ts";
import type { HeadServices } from "./head-services.ts";
import { admissionReasons, type Claim } from "./job-admission.ts";
import { JobRecord } from "./job-record.ts";

export interface JobServices extends HeadServices {
  readonly actors: ActorTable;
  /** What a job's actors, tasks and groups hold now. */
  heldBy(jobId: string): Units;
  /** The groups of a job end with it. */
  jobEnded(jobId: string): void;
}

/** Ended jobs that are still shown. */
const endedKept = 1_000;
/** A job that is stopped has so long to end by itself; the host's own limit comes first. */
const graceMs = 35_000;

export class JobTable {
  readonly #services: JobServices;
  readonly #jobs = new Map<string, JobRecord>();

  constructor(services: JobServices) {
    this.#services = services;
  }

  /** Answers when the job is stored. Asked twice, it gives the same answer. */
  async submit(submission: JobSubmission): Promise<JobInfo> {
    const { jobId, requestId } = submission;
    const known = this.#jobs.get(jobId);
    if (known && known.submission.requestId !== requestId) {
      const message = `Job with submission_id ${jobId} already exists. Please use a different submission_id.`;
      throw new InvalidOptionError(message, { option: "jobId", expected: "an id that is free", got: jobId });
    }
    if (known) return this.#describe(known);
    const record = new JobRecord(submission, Date.now());
    this.#jobs.set(jobId, record);
    await this.#save(record);
    if (!record.ended) this.#wait(record);
    return this.#describe(record);
  }

  list(): JobInfo[] {
    return [...this.#jobs.values()].map((record) => this.#describe(record));
  }

  get(jobId: string): JobInfo | undefined {
    const record = this.#jobs.get(jobId);
    return record && this.#describe(record);
  }

  /** Ends a job: lets it close what it has, then ends it by force. False where it has ended already. */
  async stop(jobId: string): Promise<boolean> {
    const record = this.#jobs.get(jobId);
    if (!record) throw new RaySystemError(`Job ${jobId} does not exist`);
    if (record.ended) return false;
    record.withdraw();
    const actor = record.actorId === null ? undefined : this.#services.actors.get(record.actorId);
    if (!actor || actor.state === "DEAD") {
      await this.#end(record, "STOPPED", "Job was intentionally stopped.", null);
      return true;
    }
    if (!record.stopping) {
      record.stopping = true;
      await this.#save(record);
    }
    const death: ActorDeath = { reason: "KILLED", message: "its job was stopped", failure: null, reasons: [] };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([this.#services.actors.retire(actor, death), late]);
    clearTimeout(timer);
    await this.#services.actors.end(actor, death);
    await this.#end(record, "STOPPED", "Job was intentionally stopped.", null);
    return true;
  }

  /** The entry's process says that it runs. */
  async running(jobId: string): Promise<void> {
    const record = this.#jobs.get(jobId);
    if (record?.status !== "PENDING") return;
    record.move("RUNNING", Date.now());
    await this.#save(record);
  }

  /** The entry has ended by itself; its actor follows. */
  async finished({ jobId, status, message }: JobOutcome): Promise<void> {
    const record = this.#jobs.get(jobId);
    if (!record || record.ended) return;
    if (record.stopping) return; // what a stopped job says last is not its outcome
    const errorType = status === "FAILED" ? "JOB_ENTRYPOINT_COMMAND_ERROR" : null;
    await this.#end(record, status, message, errorType);
    const actor = record.actorId === null ? undefined : this.#services.actors.get(record.actorId);
    const death: ActorDeath = { reason: "EXITED", message: "its job has ended", failure: null, reasons: [] };
    if (actor) setImmediate(() => void this.#services.actors.end(actor, death));
  }

  /** An actor is dead; where it was a job's, so is the job. */
  actorEnded(actorId: string): void {
    const record = [...this.#jobs.values()].find((job) => job.actorId === actorId);
    if (!record || record.ended || record.stopping) return;
    this.#endWithActor(record);
  }

  /** Takes up what was stored, oldest first. Actors must have been restored before. */
  restore(stored: readonly Parameters<typeof JobRecord.restored>[0][]): void {
    for (const each of stored.toSorted((a, b) => a.submittedMs - b.submittedMs)) {
      const record = JobRecord.restored(each);
      this.#jobs.set(record.jobId, record);
      if (record.ended) continue;
      if (record.stopping) void this.stop(record.jobId);
      else if (record.actorId === null) this.#wait(record);
      else {
        const actor = this.#services.actors.get(record.actorId);
        if (!actor) void this.#start(record);
        else if (actor.state === "DEAD") this.#endWithActor(record);
      }
    }
  }

  #wait(record: JobRecord): void {
    const { jobId, name, resources } = record.submission;
    record.withdraw = this.#services.scheduler.wait({
      kind: "job",
      id: jobId,
      name,
      sinceMs: record.submittedMs,
      required: resources,
      get reasons() {
        return record.reasons;
      },
      attempt: () => {
        record.reasons = admissionReasons(resources, this.#view(record));
        if (record.reasons.length > 0) return false;
        record.actorId = newId();
        void this.#start(record);
        return true;
      },
    });
  }

  #view(record: JobRecord) {
    const others = [...this.#jobs.values()].filter((other) => other !== record && !other.ended);
    const claimOf = ({ jobId, submission }: JobRecord): Claim => ({ jobId, units: submission.resources });
    const waiting = others.filter(({ actorId }) => actorId === null);
    const started = others.filter(({ actorId }) => actorId !== null);
    return {
      nodes: this.#services.nodes
        .describe()
        .filter(({ nodeId }) => this.#services.nodes.get(nodeId)?.state === "ALIVE"),
      kept: started.map((job) => ({ jobId: job.jobId, units: this.#untaken(job) })),
      ahead: waiting.filter((other) => this.#isBefore(other, record)).map(claimOf),
    };
  }

  #untaken({ jobId, submission: { resources } }: JobRecord): Units {
    const rest = minus(resources, this.#services.heldBy(jobId));
    return Object.fromEntries(Object.keys(resources).map((name) => [name, Math.max(0, rest[name] ?? 0)]));
  }

  /** Jobs are kept in the order in which they came. */
  #isBefore(one: JobRecord, other: JobRecord): boolean {
    for (const job of this.#jobs.values()) if (job === one || job === other) return job === one;
    return false;
  }

  async #start(record: JobRecord): Promise<void> {
    const { jobId, className, code, args, request, runtimeEnv, maxRestarts } = record.submission;
    const actorId = record.actorId as string;
    await this.#save(record);
    await this.#services.actors.create({
      actorId,
      jobId,
      code,
      info: {
        className,
        name: null,
        namespace: jobId,
        methods: [],
        hasAsync: true,
        ordered: false,
        maxTaskRetries: 0,
        retryExceptions: false,
        maxPendingCalls: -1,
        concurrencyGroups: {},
        detached: true,
      },
      getIfExists: false,
      maxRestarts,
      maxConcurrency: 1000,
      request,
      runtimeEnv,
      callSite: "",
      owner: `job:${jobId}`,
      ownerActorId: null,
      args,
    });
  }

  #endWithActor(record: JobRecord): void {
    const death = this.#services.actors.get(record.actorId ?? "")?.death;
    const why = death ? death.message : "it is gone";
    void this.#end(record, "FAILED", `Its actor has died: ${why}`, errorTypeOf(death ?? undefined));
  }

  async #end(
    record: JobRecord,
    status: "STOPPED" | "SUCCEEDED" | "FAILED",
    message: string,
    errorType: JobErrorType | null,
  ): Promise<void> {
    if (record.ended) return;
    record.move(status, Date.now());
    record.message = message;
    record.errorType = errorType;
    record.reasons = [];
    await this.#save(record);
    this.#services.jobEnded(record.jobId);
    this.#services.scheduler.pump();
    this.#forgetOldest();
  }

  #forgetOldest(): void {
    const ended = [...this.#jobs.values()].filter((record) => record.ended);
    const oldest = ended.length > endedKept ? ended[0] : undefined;
    if (!oldest) return;
    this.#jobs.delete(oldest.jobId);
    void this.#services.store.jobs.remove(oldest.jobId);
  }

  #describe(record: JobRecord): JobInfo {
    const actor = record.actorId === null ? undefined : this.#services.actors.get(record.actorId);
    const { scheduler } = this.#services;
    const pending =
      actor && actor.grant === undefined ? scheduler.pending().find(({ id }) => id === actor.actorId) : undefined;
    return record.describe({
      nodeId: actor?.grant?.nodeId ?? null,
      pid: actor?.state === "ALIVE" ? actor.pid : null,
      pendingReasons: pending?.reasons ?? [],
    });
  }

  #save(record: JobRecord): Promise<void> {
    return this.#services.store.jobs.put(record.jobId, record.stored());
  }
}

function errorTypeOf(death: ActorDeath | undefined): JobErrorType {
  switch (death?.reason) {
    case "RUNTIME_ENV":
      return "RUNTIME_ENV_SETUP_FAILURE";
    case "CREATION_FAILED":
      return "JOB_ENTRYPOINT_COMMAND_START_ERROR";
    case "UNSCHEDULABLE":
      return "JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE";
    default:
      return "JOB_SUPERVISOR_ACTOR_DIED";
  }
}
