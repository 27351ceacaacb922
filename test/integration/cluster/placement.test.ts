// `npm run bench -- placement` makes the requests to a real Ray too; this is what it gave there, and must give here.
import { expect, test } from "vitest";
import { fourNodes } from "../../bench/placement/four-nodes.ts";
import { placementFacts } from "../../bench/placement/requests.ts";

/** Of Ray 2.60.0. */
const facts: readonly (readonly [string, string])[] = [
  ["GPUs of the cluster", "32"],
  ["three bundles of 8 GPUs, STRICT_SPREAD: ready", "true"],
  ["three bundles of 8 GPUs, STRICT_SPREAD: its state", "CREATED"],
  ["three bundles of 8 GPUs, STRICT_SPREAD: nodes it is on", "3"],
  ["three bundles of 8 GPUs, STRICT_SPREAD: GPUs left", "8"],
  ["two more of 8 while one node is free: state", "PENDING"],
  ["five bundles STRICT_SPREAD on four nodes: state", "INFEASIBLE"],
  ["one bundle of 16 GPUs: state", "INFEASIBLE"],
  ["two bundles of 8 GPUs STRICT_PACK: state", "INFEASIBLE"],
  ["a group that never fitted, removed: state", "REMOVED"],
  ["24 actors with 0.25 GPU: states", "24 ALIVE"],
  ["24 actors with 0.25 GPU: nodes they are on", "1"],
  ["24 actors with 0.25 GPU: GPUs each sees", "24 with 1"],
  ["24 actors with 0.25 GPU: actors on each GPU", "4,4,4,4,4,4"],
  ["24 actors with 0.25 GPU: what CUDA_VISIBLE_DEVICES says is leased", "true"],
  ["24 actors with 0.25 GPU: GPUs left", "2"],
  ["two actors with a whole GPU beside them: GPUs shared", "0"],
  ["two actors with a whole GPU beside them: a third one", "PENDING_CREATION"],
  ["two actors with a whole GPU beside them: once four with a quarter have ended", "PENDING_CREATION"],
  ["two actors with a whole GPU beside them: once all on those GPUs have ended: GPUs it has", "1"],
  ["an actor with 8 GPUs in each bundle: GPUs of each", "8,8,8"],
  ["an actor with 8 GPUs in each bundle: nodes they are on", "3"],
  ["an actor with 8 GPUs in each bundle: one more GPU in a full bundle", "PENDING_CREATION"],
  ["an actor with 9 GPUs", "PENDING_CREATION"],
  ['labels {"zone": "east"}: where', "east"],
  ['labels {"zone": "!east"}: where', "west"],
  ['labels {"zone": "in(east)", "rack": "!in(2)"}: where', "east 3"],
  ['labels {"rack": "1"}: where', "west 1"],
  ['labels {"zone": "north"}, which no node has', "PENDING_CREATION"],
  ["a named detached actor: found by its name", "true"],
  ["a named detached actor: its name again", "refused"],
  ["a named detached actor: asked for with get_if_exists: the same", "true"],
  ["a named detached actor: is detached", "true"],
  ["a named detached actor: killed: state", "DEAD"],
  ["a named detached actor: looked for by its name", "refused"],
  ["the group removed: its state", "REMOVED"],
  ["the group removed: an actor in it", "DEAD"],
  ["the group removed: one that waited in it", "DEAD"],
  ["the group removed: its GPUs are free for another such group", "true"],
];

test("requests for places on four nodes of 8 GPUs come to what they come to on Ray", async () => {
  const cluster = await fourNodes();
  try {
    const ours: (readonly [string, string])[] = [];
    for await (const { name, value } of placementFacts()) ours.push([name, value]);
    expect(ours).toEqual(facts);
  } finally {
    await cluster.close();
  }
});
