// Answers those who look and those who submit: jobs, lists, logs.
import type { JobInfo, JobOutcome, ListQuery, LogQuery, LogRead } from "../control/index.ts";
import type { PackagePart, PackageStore } from "../environment/index.ts";
import { RaySystemError } from "../errors/index.ts";
import { checkedJob } from "./checked.ts";
import type { DriverJobs } from "./driver-jobs.ts";
import { Inspector, type InspectorServices } from "./inspector.ts";
import { type JobServices, JobTable } from "./job-table.ts";

export class FrontDesk {
  readonly jobs: JobTable;
  readonly #drivers: DriverJobs;
  readonly #inspector: Inspector;
  readonly #packages: PackageStore;

  constructor(services: JobServices & Omit<InspectorServices, "jobs">, drivers: DriverJobs) {
    this.jobs = new JobTable(services);
    this.#drivers = drivers;
    this.#packages = services.store.packages;
    this.#inspector = new Inspector({ ...services, jobs: () => this.#jobs() });
  }

  /** Throws RaySystemError for a question that it does not know. */
  answer(method: string, payload: unknown): unknown {
    switch (method) {
      case "submitJob":
        return this.jobs.submit(checkedJob(payload));
      case "stopJob":
        return this.jobs.stop(payload as string);
      case "jobs":
        return this.#jobs();
      case "job":
        return this.#job(payload as string);
      case "jobRunning":
        return this.jobs.running(payload as string);
      case "jobEnded":
        return this.jobs.finished(payload as JobOutcome);
      case "putPackage":
        return this.#packages.put(payload as PackagePart);
      case "getPackage":
        return this.#packages.get(payload as PackagePart);
      case "list":
        return this.#inspector.list(payload as ListQuery);
      case "tasks":
        return this.#inspector.tasks();
      case "logSources":
        return this.#inspector.logSources(payload as LogQuery);
      case "readLog":
        return this.#inspector.readLog(payload as LogRead);
      default:
        throw new RaySystemError(`the head does not know the question "${method}": is it of another version?`);
    }
  }

  #jobs(): JobInfo[] {
    return [...this.jobs.list(), ...this.#drivers.list()];
  }

  #job(jobId: string): JobInfo | null {
    return this.#jobs().find((job) => job.jobId === jobId) ?? null;
  }
}
