// The columns of a table for people; `--json` and `get` have all.
import type { ListKind } from "../control/index.ts";

const columns: Readonly<Record<ListKind, readonly string[]>> = {
  nodes: ["node_id", "node_ip", "is_head_node", "state", "node_name", "resources_total", "labels"],
  actors: ["actor_id", "class_name", "state", "job_id", "name", "node_id", "pid", "ray_namespace"],
  tasks: ["task_id", "name", "state", "job_id", "actor_id", "type", "node_id", "worker_pid", "error_type"],
  objects: ["object_id", "object_size", "task_status", "reference_type", "type", "pid", "ip"],
  "placement-groups": ["placement_group_id", "name", "creator_job_id", "state"],
  jobs: ["job_id", "type", "status", "name", "entrypoint", "message", "error_type"],
};

export function columnsOf(kind: ListKind): readonly string[] {
  return columns[kind];
}

/** The column by which one is asked for. */
export function idColumn(kind: ListKind): string {
  return columns[kind][0] as string;
}
