import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ActorHandle, get, placementGroup, put, remote } from "../../../runtime/index.ts";
import { jobLogs, submitJob } from "../../../runtime/jobs/index.ts";
import type { TraceEvent } from "../../../runtime/state/index.ts";
import { astune, fileIn, headOf, startAstune } from "../../fixtures/astune.ts";
import { Cluster, eventually } from "../../fixtures/cluster.ts";
import { add, Counter } from "../../fixtures/remote/counter.ts";
import { Sums, Waits } from "../../fixtures/remote/jobs.ts";

type Row = Record<string, unknown>;

describe("the commands of a cluster", () => {
  let cluster: Cluster;
  let counter: ActorHandle<Counter>;
  let counterId: string;
  /** Handles and references that must stay. */
  const kept: unknown[] = [];
  const run = (...args: string[]) => astune(cluster, ...args);
  const rows = async (...args: string[]): Promise<Row[]> => (await run("list", ...args, "--json")).json<Row[]>();

  beforeAll(async () => {
    cluster = await Cluster.start({ cpus: 4, gpus: 2 }, { cpus: 2, labels: "zone=b" });
    await cluster.connect("here");
    counter = remote(Counter).options({ name: "hits", numCpus: 1 }).remote(5);
    await counter.add.remote(put(1));
    await get(counter.fail.remote("not today")).catch(() => undefined);
    await remote(add).remote(1, 2);
    const never = remote(Counter).options({ numGpus: 5, name: "greedy" }).remote();
    kept.push(never);
    counterId = String((await rows("actors", "--filter", "name=hits"))[0]?.["actor_id"]);
  });
  afterAll(() => cluster.close());

  test("status shows nodes, what is in use, and why something waits on each node", async () => {
    const { out, code } = await run("status");
    expect(code).toBe(0);
    expect(out).toContain(`head ${cluster.address}: 2 nodes alive, 0 draining, 0 dead`);
    expect(out).toMatch(/in use: CPU \d of 6, GPU 0 of 2/);
    expect(out).toMatch(/actor greedy|actor Counter/);
    expect(out).toMatch(/ for \d+ s:\n {4}\w+: GPU: 5 asked for, it has 2\n {4}\w+: GPU: 5 asked for, it has 0/);
    const { pending, nodes } = (await run("status", "--json")).json<{ pending: Row[]; nodes: Row[] }>();
    expect(pending).toEqual([expect.objectContaining({ kind: "actor", since_ms: expect.any(Number) })]);
    for (const node of nodes) {
      const processes = node["processes"] as Row[];
      expect(processes.find(({ kind }) => kind === "agent")?.["rss_bytes"]).toBeGreaterThan(10e6);
      expect(node["shared_memory_total_bytes"]).toBeGreaterThan(0);
    }
  });

  test("lists have Ray's columns", async () => {
    expect(await rows("nodes")).toEqual(
      [4, 2].map((cpus) =>
        expect.objectContaining({ state: "ALIVE", resources_total: expect.objectContaining({ CPU: cpus }) }),
      ),
    );
    expect(await rows("actors", "--filter", "state=ALIVE")).toEqual([
      expect.objectContaining({
        actor_id: expect.any(String),
        class_name: "Counter",
        state: "ALIVE",
        job_id: expect.any(String),
        name: "hits",
        node_id: expect.any(String),
        pid: expect.any(Number),
        ray_namespace: "here",
        required_resources: { CPU: 1 },
        is_detached: false,
      }),
    ]);
    expect((await rows("actors", "--filter", "name=greedy"))[0]).toMatchObject({
      state: "PENDING_CREATION",
      pending_reason: expect.stringContaining("GPU: 5 asked for, it has 2"),
    });
    const group = placementGroup([{ CPU: 1 }], { name: "reserved" });
    await group.ready();
    expect(await rows("placement-groups")).toEqual([
      expect.objectContaining({ name: "reserved", state: "CREATED", creator_job_id: expect.any(String) }),
    ]);
  });

  test("tasks are what hosts have run, with their times and errors, without the head in between", async () => {
    const tasks = await rows("tasks");
    expect(tasks.map(({ name, type, state }) => `${name} ${type} ${state}`)).toEqual([
      "Counter.constructor ACTOR_CREATION_TASK FINISHED",
      "Counter.add ACTOR_TASK FINISHED",
      "Counter.fail ACTOR_TASK FAILED",
      "add NORMAL_TASK FINISHED",
    ]);
    expect(tasks[2]).toMatchObject({ actor_id: counterId, error_type: "RangeError", error_message: "not today" });
    for (const { start_time_ms: start, end_time_ms: end } of tasks)
      expect(Number(end)).toBeGreaterThanOrEqual(Number(start));
    const { calls } = (await run("summary", "tasks", "--json")).json<{ calls: Row[] }>();
    expect(calls).toContainEqual({ name: "Counter.fail", type: "ACTOR_TASK", started: 1, failed: 1 });
  });

  test("calls of an actor that is gone are still known, and a task that cannot run waits with its reason", async () => {
    {
      using brief = remote(Counter).options({ name: "brief" }).remote();
      await brief.upTo.remote(1).next();
    }
    await eventually(
      () => rows("actors", "--filter", "name=brief", "--filter", "state=DEAD"),
      (found) => found.length === 1,
    );
    expect(await rows("tasks", "--filter", "name=Counter.upTo")).toHaveLength(1);

    const waiting = remote(add)
      .options({ resources: { tpu: 1 } })
      .remote(1, 2);
    const found = await eventually(
      () => rows("tasks", "--filter", "state=PENDING_NODE_ASSIGNMENT"),
      (tasks) => tasks.length > 0,
    );
    expect(found[0]).toMatchObject({
      name: "add",
      pending_reason: expect.stringContaining("tpu: 1 asked for, it has 0"),
    });
    kept.push(waiting);
  });

  test("objects are those that their owners gave to others", async () => {
    const shared = put("x".repeat(1000));
    await counter.sum.remote([put(1)]);
    const objects = await rows("objects");
    expect(objects.length).toBeGreaterThan(0);
    expect(objects[0]).toMatchObject({ type: "DRIVER", pid: process.pid, task_status: "FINISHED" });
    expect(Number(objects[0]?.["object_size"])).toBeGreaterThan(0);
    expect(shared).toBeDefined();
  });

  test("one is found by its id, the beginning of it, or its name; otherwise the nearest is named", async () => {
    for (const id of [counterId, "hits"]) {
      expect((await run("get", "actor", id, "--json")).json<Row>()).toMatchObject({ actor_id: counterId });
    }
    const node = String((await rows("nodes"))[1]?.["node_id"]);
    expect((await run("get", "node", node.slice(0, 12), "--json")).json<Row>()).toMatchObject({ node_id: node });
    const wrong = await run("get", "actor", "hitz");
    expect(wrong).toMatchObject({ code: 2, out: "" });
    expect(wrong.err).toBe("astune: actor: expected the id or name of one, got hitz (did you mean hits?)");
  });

  test.each([
    [["list", "actorz"], /^astune: what to list: expected nodes, .*, got actorz \(did you mean actors\?\)$/],
    [
      ["list", "actors", "--filter", "stat=ALIVE"],
      /^astune: --filter: expected a column, got stat \(did you mean state\?\)$/,
    ],
    [["list", "actors", "--filter", "state"], /^astune: --filter: expected column=value or column!=value, got state$/],
    [["status", "--address", "nowhere"], /^astune: --address: expected host:port, got nowhere$/],
    [["logs", "nobody"], /^astune: actor, job, node: expected the id or name of one, got nobody/],
    [["drain", "nobody"], /^astune: node: expected the id or name of one, got nobody/],
    [["kill", "nobody"], /^astune: job: expected the id or name of one, got nobody/],
    [["kill", "nobody", "--all"], /^astune: --all: expected no job beside it, got nobody$/],
  ])("%j is one clear line and exit code 2", async (args, line) => {
    const { code, out, err } = await run(...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(line);
  });

  test("without a head, or with a wrong token, a command says so with exit code 2", async () => {
    const none = { env: { ...cluster.env, ASTUNE_STATE_DIR: fileIn(cluster, "empty") } };
    const without = await astune(none, "status");
    expect(without).toMatchObject({ code: 2, out: "" });
    expect(without.err).toMatch(
      /^astune: head: expected one on this machine, .* \(start one with: astune-head start\)$/,
    );
    const file = fileIn(cluster, "wrong-token");
    await writeFile(file, "wrong", { mode: 0o600 });
    const wrong = await run("status", "--token-file", file);
    expect(wrong).toMatchObject({ code: 2, out: "" });
    expect(wrong.err).toMatch(new RegExp(`^astune: ${cluster.address} turned this process away`));
  });

  test("logs are an actor's, a job's or a node's; several say whose each line is", async () => {
    const head = await headOf(cluster);
    const { jobId } = await submitJob({ entry: Sums, args: [2], name: "sums" }, head);
    const followed = await run("logs", "-f", jobId);
    expect(followed).toMatchObject({ code: 0, out: "sum 1\nsum 3" });
    expect((await run("logs", "sums")).out).toBe("sum 1\nsum 3");
    const node = String((await rows("nodes"))[0]?.["node_id"]);
    const other = String((await rows("nodes"))[1]?.["node_id"]);
    const { out } = await run("logs", node, other);
    expect(out).toMatch(/^\(Sums pid=\d+\) sum 1$/m);
    expect((await run("logs", "--json")).json<Row[]>()).toContainEqual(
      expect.objectContaining({ name: "Sums", job_id: jobId, size_bytes: "sum 1\nsum 3\n".length }),
    );
    head.close();
  });

  test("Ctrl-C ends following, not what is followed", async () => {
    const head = await headOf(cluster);
    const { jobId } = await submitJob({ entry: Waits, args: [fileIn(cluster, "go")], name: "followed" }, head);
    const { child, output } = startAstune(cluster, ["logs", "--follow", "followed"]);
    await eventually(output, (text) => text === "waiting\n");
    child.kill("SIGINT");
    expect((await child).exitCode).toBe(0);
    await writeFile(fileIn(cluster, "go"), "");
    await eventually(
      () => jobLogs(jobId, head),
      (text) => text === "waiting\nfound it\n",
    );
    head.close();
  });

  test("a timeline is a trace with every call that nodes remember", async () => {
    const file = fileIn(cluster, "trace.json");
    const { out } = await run("timeline", "--output", file);
    expect(out).toMatch(/^\d+ calls in .*trace\.json; open it at https:\/\/ui\.perfetto\.dev/);
    const events = JSON.parse(await readFile(file, "utf8")) as TraceEvent[];
    const call = events.find(({ name }) => name === "Counter.add");
    expect(call).toMatchObject({ ph: "X", cat: "ACTOR_TASK", args: { actor_id: counterId, state: "FINISHED" } });
    const thread = events.find(({ name, tid }) => name === "thread_name" && tid === call?.tid);
    expect(thread?.args["name"]).toMatch(/^process \d+$/);
  });

  test("a drained node takes nothing more, and what runs on it goes on", async () => {
    const [first] = await rows("nodes", "--filter", "state=ALIVE");
    const nodeId = String(first?.["node_id"]);
    const { out } = await run("drain", nodeId);
    expect(out).toMatch(new RegExp(`^node ${nodeId} takes nothing more; (no actor runs|\\d actors still run) on it$`));
    expect(await rows("nodes", "--filter", `node_id=${nodeId}`)).toEqual([
      expect.objectContaining({ state: "DRAINING" }),
    ]);
    const another = remote(Counter).remote();
    await another.add.remote(1);
    const placed = (await rows("actors", "--filter", "state=ALIVE")).at(-1);
    expect(placed?.["node_id"]).not.toBe(nodeId);
    expect(await counter.add.remote(0)).toBe(6);
  });
});
