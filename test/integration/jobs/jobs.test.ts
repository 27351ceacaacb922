import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HeadConnection } from "../../../runtime/client/index.ts";
import { InvalidOptionError, listActors, put } from "../../../runtime/index.ts";
import {
  followJob,
  getJob,
  isEnded,
  type JobInfo,
  jobLogs,
  listJobs,
  stopJob,
  submitJob,
} from "../../../runtime/jobs/index.ts";
import { fileIn, headOf } from "../../fixtures/astune.ts";
import { Cluster, eventually } from "../../fixtures/cluster.ts";
import { Crashes, Fails, Sums, Takes, Waits } from "../../fixtures/remote/jobs.ts";

describe("jobs", () => {
  let cluster: Cluster;
  let head: HeadConnection;
  beforeAll(async () => {
    cluster = await Cluster.start({ cpus: 4, gpus: 2 });
    head = await headOf(cluster);
  });
  afterAll(async () => {
    head.close();
    await cluster.close();
  });

  const status = (jobId: string, wanted: JobInfo["status"]) =>
    eventually(
      () => getJob(jobId, head),
      (job) => job?.status === wanted,
    ) as Promise<JobInfo>;
  const log = async (jobId: string): Promise<string> => {
    let text = "";
    for await (const part of followJob(jobId, head)) text += part;
    return text;
  };
  const waits = (name: string, resources = {}) =>
    submitJob({ entry: Waits, args: [fileIn(cluster, name)], name, resources }, head);
  const letEnd = (name: string) => writeFile(fileIn(cluster, name), "");

  test("a job runs without whoever submitted it, and its log and end are the head's to tell", async () => {
    const { jobId } = await submitJob({ entry: Sums, args: [3], name: "sums", metadata: { kind: "trial" } }, head);
    expect(await log(jobId)).toBe("sum 1\nsum 3\nsum 6\n");
    expect(await getJob(jobId, head)).toMatchObject({
      status: "SUCCEEDED",
      message: "Job finished successfully.",
      name: "sums",
      metadata: { kind: "trial" },
      exitCode: 0,
    });
    expect(await jobLogs(jobId, head)).toBe("sum 1\nsum 3\nsum 6\n");
  });

  test("what a job's entry throws is its message, and stands in its log", async () => {
    const { jobId } = await submitJob({ entry: Fails }, head);
    expect(await log(jobId)).toMatch(/about to fail\n[\s\S]*RangeError: this job always fails/);
    expect(await getJob(jobId, head)).toMatchObject({
      status: "FAILED",
      message: "RangeError: this job always fails",
      errorType: "JOB_ENTRYPOINT_COMMAND_ERROR",
    });
  });

  test("jobs run side by side; those that do not fit wait in order and say why; others pass", async () => {
    const [a, b] = [await waits("a", { GPU: 1 }), await waits("b", { GPU: 1 })];
    await Promise.all([status(a.jobId, "RUNNING"), status(b.jobId, "RUNNING")]);
    const c = await waits("c", { GPU: 2 });
    const d = await waits("d", { GPU: 1 });
    expect(c).toMatchObject({ status: "PENDING" });
    expect(c.pendingReasons.join()).toMatch(/^GPU: 2 asked for, 2 of 2 free .*1 kept for job .*1 kept for job/);
    expect(d.pendingReasons).toEqual([`GPU: job ${c.jobId} came first and waits for it too`]);
    const free = await submitJob({ entry: Sums, args: [1] }, head);
    expect(await log(free.jobId)).toBe("sum 1\n");

    await letEnd("a");
    await status(a.jobId, "SUCCEEDED");
    await eventually(
      () => getJob(c.jobId, head),
      (job) => job?.pendingReasons.length === 1 && !job.pendingReasons.join().includes(a.jobId),
    );
    await letEnd("b");
    await status(c.jobId, "RUNNING");
    expect(await getJob(d.jobId, head)).toMatchObject({ status: "PENDING" });
    await letEnd("c");
    await status(d.jobId, "RUNNING");
    await letEnd("d");
    await status(d.jobId, "SUCCEEDED");
  });

  test("what a running job has taken is not kept for it a second time, and is free when it ends", async () => {
    const takes = await submitJob(
      { entry: Takes, args: [fileIn(cluster, "taken"), { GPU: 1 }], resources: { GPU: 1 } },
      head,
    );
    await eventually(
      () => jobLogs(takes.jobId, head),
      (text) => text.includes("taken"),
    );
    const beside = await waits("beside", { GPU: 1 });
    await status(beside.jobId, "RUNNING");
    await letEnd("taken");
    const both = await waits("both", { GPU: 2 });
    await status(takes.jobId, "SUCCEEDED");
    await letEnd("beside");
    await status(both.jobId, "RUNNING");
    await letEnd("both");
    await status(both.jobId, "SUCCEEDED");
  });

  test("more than the cluster has waits, and says what the cluster has", async () => {
    const job = await waits("never", { GPU: 3 });
    expect(job.pendingReasons).toEqual(["GPU: 3 asked for, the cluster has 2"]);
    expect(job.message).toBe("Job has not started yet. It waits for resources: GPU: 3 asked for, the cluster has 2.");
    expect(await stopJob(job.jobId, head)).toBe(true);
    expect(await getJob(job.jobId, head)).toMatchObject({ status: "STOPPED" });
  });

  test("a job that is stopped may close what it has, and its actors end with it", async () => {
    const { jobId } = await waits("stopped");
    await eventually(
      () => jobLogs(jobId, head),
      (text) => text === "waiting\n",
    );
    expect(await stopJob(jobId, head)).toBe(true);
    expect(await getJob(jobId, head)).toMatchObject({ status: "STOPPED", message: "Job was intentionally stopped." });
    expect(await log(jobId)).toBe("waiting\nclosing\n");
    expect(await stopJob(jobId, head)).toBe(false);
    await expect(stopJob("job_of_nobody", head)).rejects.toThrow("Job job_of_nobody does not exist");
  });

  test("a job whose process dies fails, or goes on in another where it may", async () => {
    const once = await submitJob({ entry: Crashes }, head);
    expect(await status(once.jobId, "FAILED")).toMatchObject({
      errorType: "JOB_SUPERVISOR_ACTOR_DIED",
      message: expect.stringContaining("exit code 3"),
    });
    const again = await submitJob({ entry: Crashes, actorOptions: { maxRestarts: 1 } }, head);
    expect(await log(again.jobId)).toBe("made again\n");
    expect(await getJob(again.jobId, head)).toMatchObject({ status: "SUCCEEDED" });
  });

  test("an id is one job's alone, and arguments that end with their process are refused", async () => {
    await submitJob({ entry: Sums, args: [0], jobId: "mine" }, head);
    await expect(submitJob({ entry: Sums, args: [0], jobId: "mine" }, head)).rejects.toThrow(
      "Job with submission_id mine already exists. Please use a different submission_id.",
    );
    await cluster.connect();
    await expect(submitJob({ entry: Sums, args: [put(1)] })).rejects.toThrow(InvalidOptionError);
    await expect(submitJob({ entry: Sums, jobId: "a/b" })).rejects.toThrow(/jobId: expected/);
    expect((await listJobs()).filter(({ type }) => type === "DRIVER")).toHaveLength(1);
  });

  test("a head that is killed and started again knows its jobs: those that ran go on, those that waited start", async () => {
    const runs = await waits("runs", { GPU: 2 });
    await status(runs.jobId, "RUNNING");
    const { pid } = (await getJob(runs.jobId, head)) as JobInfo;
    const queued = await waits("queued", { GPU: 1 });
    await cluster.head.signal("SIGKILL");
    await cluster.startHead();
    await eventually(
      () => getJob(runs.jobId, head),
      (job) => job?.nodeId !== null,
    );
    expect(await getJob(runs.jobId, head)).toMatchObject({ status: "RUNNING", pid });
    expect(await getJob(queued.jobId, head)).toMatchObject({ status: "PENDING" });
    await letEnd("runs");
    await status(runs.jobId, "SUCCEEDED");
    await letEnd("queued");
    expect(await log(queued.jobId)).toBe("waiting\nfound it\n");
    const left = await eventually(listActors, (actors) => actors.every(({ state }) => state === "DEAD"));
    expect(left.length).toBeGreaterThan(0);
    expect((await listJobs(head)).filter((job) => job.type === "SUBMISSION" && !isEnded(job))).toEqual([]);
  });
});
