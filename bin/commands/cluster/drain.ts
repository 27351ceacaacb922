/** `astune drain`: a node takes nothing more. */

import { UserError } from "../../../configs/index.ts";
import type { HeadAccess } from "../../../runtime/client/index.ts";
import type { Print } from "../config.ts";
import { findRow, listRows } from "./find-row.ts";

export async function drain(head: HeadAccess, node: string, json: boolean, print: Print): Promise<void> {
  const row = await findRow(head, "nodes", node);
  const nodeId = String(row["node_id"]);
  if (row["state"] === "DEAD") {
    throw new UserError({ where: "node", expected: "one that lives", found: `${nodeId}, which is dead` });
  }
  await head.ask("drainNode", nodeId);
  const filters = [
    { column: "node_id", predicate: "=", value: nodeId },
    { column: "state", predicate: "=", value: "ALIVE" },
  ] as const;
  const { num_filtered: actors } = await listRows(head, { kind: "actors", filters, limit: 0 });
  if (json) return print(JSON.stringify({ node_id: nodeId, state: "DRAINING", actors }, undefined, 2));
  const left = actors === 0 ? "no actor runs on it" : `${actors} actors still run on it`;
  print(`node ${nodeId} takes nothing more; ${left}`);
}
