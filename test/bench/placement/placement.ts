/**
 * What requests for places come to, beside Ray: the same requests made to a real Ray cluster of four pretended nodes of 8 GPUs,
 * and to four such nodes of ours. A row is the same or different; what nodes and GPUs are called does not matter.
 */

import { join } from "node:path";
import type { BenchRow } from "../bench.ts";
import { installRay, rayLines, rayName } from "../runtime/ray.ts";
import { fourNodes } from "./four-nodes.ts";
import { type Fact, placementFacts } from "./requests.ts";

export async function placement(): Promise<BenchRow[]> {
  await installRay();
  process.stderr.write(`${rayName}: takes a minute or two\n`);
  const rays = await rayLines<Fact>(join(import.meta.dirname, "ray_requests.py"));
  const ofRay = new Map(rays.map(({ name, value }) => [name, value]));
  process.stderr.write("astune\n");
  const cluster = await fourNodes();
  const rows: BenchRow[] = [];
  try {
    for await (const { name, value } of placementFacts()) {
      const anchor = ofRay.get(name) ?? "not asked";
      rows.push({ name, ours: value, unit: "", anchor, anchorName: rayName, spread: "" });
    }
  } finally {
    await cluster.close();
  }
  return rows;
}
