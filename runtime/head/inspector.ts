// What the head tells those who look: lists under Ray's column names, and the output of hosts. What the head does not
// keep itself it asks of node agents and processes at that moment.
import type {
  JobInfo,
  ListKind,
  ListQuery,
  ListReply,
  LogPart,
  LogQuery,
  LogRead,
  LogSource,
  NodeStats,
  NodeTasks,
  ObjectFacts,
  Row,
  TaskCount,
  TaskRecord,
} from "../control/index.ts";
import { RaySystemError } from "../errors/index.ts";
import { actorRow, groupRow, jobRow, matches, nodeRow, objectRow, pendingTaskRow, taskRow } from "../state/index.ts";
import type { ActorTable } from "./actor-table.ts";
import { askAll } from "./ask-all.ts";
import type { GroupDesk } from "./group-desk.ts";
import type { HeadServices } from "./head-services.ts";

export interface InspectorServices extends HeadServices {
  readonly actors: ActorTable;
  readonly groups: GroupDesk;
  jobs(): JobInfo[];
}

interface Rows {
  readonly rows: readonly Row[];
  readonly warning?: string;
}

export class Inspector {
  readonly #services: InspectorServices;

  constructor(services: InspectorServices) {
    this.#services = services;
  }

  async list({ kind, filters, limit }: ListQuery): Promise<ListReply> {
    const { rows, warning = "" } = await this.#rows(kind);
    const kept = rows.filter((row) => filters.every((filter) => matches(row, filter)));
    const result = kept.slice(0, limit);
    const columns = Object.keys(rows[0] ?? {});
    return { total: rows.length, num_filtered: kept.length, result, columns, partial_failure_warning: warning };
  }

  /** Every call that nodes remember, and how often each function was called. */
  async tasks(): Promise<{ records: TaskRecord[]; counts: TaskCount[]; warning: string }> {
    const { answers, silent } = await askAll<string, NodeTasks>(this.#agents(), "tasks", null);
    const busy = answers.flatMap(([, { silent: pids }]) => pids);
    const warning = [
      ...(silent.length > 0 ? [`nodes that did not answer: ${silent.join(", ")}`] : []),
      ...(busy.length > 0
        ? [`processes busy in synchronous code, whose running calls are not shown: ${busy.join(", ")}`]
        : []),
    ].join("; ");
    const records = answers.flatMap(([, node]) => node.records).sort((a, b) => a.startMs - b.startMs);
    return { records, counts: answers.flatMap(([, node]) => node.counts), warning };
  }

  async logSources({ nodeId, ...query }: LogQuery): Promise<LogSource[]> {
    const agents = this.#agents().filter(([id]) => nodeId === undefined || id === nodeId);
    const { answers } = await askAll<string, LogSource[]>(agents, "logSources", query);
    return answers.flatMap(([, sources]) => sources).sort((a, b) => a.startMs - b.startMs);
  }

  async readLog(read: LogRead): Promise<LogPart> {
    const node = this.#services.nodes.get(read.nodeId);
    if (!node || node.state === "DEAD") throw new RaySystemError(`node ${read.nodeId} is gone, and its logs with it`);
    return (await node.peer.ask("readLog", read)) as LogPart;
  }

  async #rows(kind: ListKind): Promise<Rows> {
    const { actors, scheduler } = this.#services;
    switch (kind) {
      case "nodes":
        return { rows: await this.#nodes() };
      case "actors":
        return { rows: actors.describe().map(actorRow) };
      case "placement-groups": {
        const pending = new Map(scheduler.pending().map((each) => [each.id, each]));
        return {
          rows: this.#services.groups.describe().map((group) => {
            const { placementGroupId: id } = group;
            return groupRow(group, this.#services.groups.creatorOf(id), pending.get(id));
          }),
        };
      }
      case "jobs":
        return { rows: this.#services.jobs().map(jobRow) };
      case "tasks": {
        const { records, warning } = await this.tasks();
        const waiting = scheduler.pending().filter((each) => each.kind === "task");
        return { rows: [...waiting.map(pendingTaskRow), ...records.map(taskRow)], warning };
      }
      case "objects":
        return this.#objects();
    }
  }

  async #nodes(): Promise<Row[]> {
    const { nodes, actors } = this.#services;
    const { answers } = await askAll<string, NodeStats>(this.#agents(), "stats", null);
    const stats = new Map(answers);
    return nodes.describe().flatMap((info) => {
      const record = nodes.get(info.nodeId);
      const count = actors.index.onNode.get(info.nodeId).filter(({ state }) => state === "ALIVE").length;
      return record
        ? [
            nodeRow(info, {
              ...record,
              reason: nodes.deathOf(info.nodeId) ?? "",
              actors: count,
              stats: stats.get(info.nodeId),
            }),
          ]
        : [];
    });
  }

  async #objects(): Promise<Rows> {
    const clients = this.#services.clients.all();
    const peers = clients.filter(({ peer }) => peer.connected).map((client) => [client, client.peer] as const);
    const { answers, silent } = await askAll<(typeof clients)[number], ObjectFacts[]>(peers, "objects", null);
    const rows = answers.flatMap(([{ registration }, objects]) => objects.map((each) => objectRow(each, registration)));
    const warning =
      silent.length === 0
        ? ""
        : `processes that did not answer: ${silent.map(({ registration }) => registration.pid).join(", ")}`;
    return { rows, warning };
  }

  /** Nodes that can be asked. */
  #agents() {
    const { nodes } = this.#services;
    return nodes
      .all()
      .filter(({ state, peer }) => state !== "DEAD" && peer.connected)
      .map(({ registration, peer }) => [registration.nodeId, peer] as const);
  }
}
