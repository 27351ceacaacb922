/** The requests of ray_requests.py made to ours, under the same names. The driver is connected to four nodes of 8 GPUs. */

import {
  clusterResources,
  get,
  getActor,
  kill,
  listActors,
  nodes,
  type PlacementGroup,
  placementGroup,
  RayError,
  remote,
  removePlacementGroup,
} from "../../../runtime/index.ts";
import { counted, gpusLeft, groupState, Looks, looking, nodesOf, settled, stateOf } from "./looking.ts";

/** One thing that is compared. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

const lateMs = 120_000;
const strictSpread = { strategy: "STRICT_SPREAD" } as const;
const bundles = (count: number, gpus: number) => Array.from({ length: count }, () => ({ GPU: gpus }));
const fact = (name: string, value: unknown): Fact => ({ name, value: String(value) });

/** Makes the requests one after another; gives what each came to. What is left ends with the job. */
export async function* placementFacts(): AsyncGenerator<Fact> {
  yield fact("GPUs of the cluster", (await clusterResources())["GPU"]);
  const spread = placementGroup(bundles(3, 8), strictSpread);
  yield fact("three bundles of 8 GPUs, STRICT_SPREAD: ready", await spread.wait(lateMs));
  yield fact("three bundles of 8 GPUs, STRICT_SPREAD: its state", await groupState(spread));
  yield fact("three bundles of 8 GPUs, STRICT_SPREAD: nodes it is on", await nodesOf(spread));
  yield fact("three bundles of 8 GPUs, STRICT_SPREAD: GPUs left", await gpusLeft());
  yield* groupsThatWait();
  yield* sharedGpus();
  const inside = yield* insideGroup(spread);
  yield* labelled();
  yield* named();
  await removePlacementGroup(spread);
  yield fact("the group removed: its state", await settled(() => groupState(spread), "REMOVED"));
  yield fact("the group removed: an actor in it", await settled(() => stateOf(inside.running), "DEAD"));
  yield fact("the group removed: one that waited in it", await settled(() => stateOf(inside.waiting), "DEAD"));
  const last = placementGroup(bundles(3, 8), strictSpread);
  yield fact("the group removed: its GPUs are free for another such group", await last.wait(lateMs));
}

async function* groupsThatWait(): AsyncGenerator<Fact> {
  const waiting = placementGroup(bundles(2, 8), strictSpread);
  yield fact("two more of 8 while one node is free: state", await settled(() => groupState(waiting), "PENDING"));
  const five = placementGroup(bundles(5, 8), strictSpread);
  const wide = placementGroup(bundles(1, 16), { strategy: "PACK" });
  const packed = placementGroup(bundles(2, 8), { strategy: "STRICT_PACK" });
  const state = (group: PlacementGroup) => settled(() => groupState(group), "INFEASIBLE");
  yield fact("five bundles STRICT_SPREAD on four nodes: state", await state(five));
  yield fact("one bundle of 16 GPUs: state", await state(wide));
  yield fact("two bundles of 8 GPUs STRICT_PACK: state", await state(packed));
  for (const group of [five, wide, packed]) await removePlacementGroup(group);
  yield fact("a group that never fitted, removed: state", await settled(() => groupState(five), "REMOVED"));
  await removePlacementGroup(waiting);
}

async function* sharedGpus(): AsyncGenerator<Fact> {
  const quarters = Array.from({ length: 24 }, () => looking({ numGpus: 0.25 }));
  const ids = await get(quarters.map(({ actor }) => actor.gpus.remote()));
  const homes = await get(quarters.map(({ actor }) => actor.node.remote()));
  const states = await Promise.all(quarters.map(({ name }) => stateOf(name)));
  yield fact("24 actors with 0.25 GPU: states", `${counted(states)} ${states[0]}`);
  yield fact("24 actors with 0.25 GPU: nodes they are on", new Set(homes).size);
  yield fact(
    "24 actors with 0.25 GPU: GPUs each sees",
    `${counted(ids.map(({ length }) => String(length)))} with ${ids[0]?.length}`,
  );
  yield fact("24 actors with 0.25 GPU: actors on each GPU", counted(ids.flat()));
  const visible = await quarters[0]?.actor.visible.remote();
  yield fact("24 actors with 0.25 GPU: what CUDA_VISIBLE_DEVICES says is leased", visible === ids[0]?.[0]);
  yield fact("24 actors with 0.25 GPU: GPUs left", await gpusLeft());
  const whole = Array.from({ length: 2 }, () => looking({ numGpus: 1 }));
  const own = (await get(whole.map(({ actor }) => actor.gpus.remote()))).flat();
  const common = own.filter((id) => ids.flat().includes(id));
  yield fact("two actors with a whole GPU beside them: GPUs shared", common.length);
  const third = looking({ numGpus: 1 });
  const stays = () => settled(() => stateOf(third.name), "PENDING_CREATION");
  yield fact("two actors with a whole GPU beside them: a third one", await stays());
  for (const { actor } of quarters.slice(0, 4)) await kill(actor);
  yield fact("two actors with a whole GPU beside them: once four with a quarter have ended", await stays());
  const freed = ids.slice(0, 4).flat();
  for (const [index, { actor }] of quarters.entries()) {
    if (index >= 4 && freed.includes(ids[index]?.[0] ?? "")) await kill(actor);
  }
  yield fact(
    "two actors with a whole GPU beside them: once all on those GPUs have ended: GPUs it has",
    (await third.actor.gpus.remote()).length,
  );
}

async function* insideGroup(group: PlacementGroup): AsyncGenerator<Fact, { running: string; waiting: string }> {
  const inside = (bundleIndex: number, numGpus: number) =>
    looking({ numGpus, schedulingStrategy: { placementGroup: group, bundleIndex } });
  const engines = [0, 1, 2].map((index) => inside(index, 8));
  const seen = await get(engines.map(({ actor }) => actor.gpus.remote()));
  const each = seen.map((ids) => new Set(ids).size).join(",");
  yield fact("an actor with 8 GPUs in each bundle: GPUs of each", each);
  const homes = await get(engines.map(({ actor }) => actor.node.remote()));
  yield fact("an actor with 8 GPUs in each bundle: nodes they are on", new Set(homes).size);
  const more = inside(0, 1);
  yield fact(
    "an actor with 8 GPUs in each bundle: one more GPU in a full bundle",
    await settled(() => stateOf(more.name), "PENDING_CREATION"),
  );
  const large = looking({ numGpus: 9 });
  yield fact("an actor with 9 GPUs", await settled(() => stateOf(large.name), "PENDING_CREATION"));
  return { running: engines[0]?.name ?? "", waiting: more.name };
}

async function* labelled(): AsyncGenerator<Fact> {
  const labels = new Map((await nodes()).map((node) => [String(node.nodeId), node.labels]));
  const selectors: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['{"zone": "east"}', { zone: "east" }],
    ['{"zone": "!east"}', { zone: "!east" }],
    ['{"zone": "in(east)", "rack": "!in(2)"}', { zone: "in(east)", rack: "!in(2)" }],
    ['{"rack": "1"}', { rack: "1" }],
  ];
  for (const [text, labelSelector] of selectors) {
    const { zone, rack } = labels.get(await looking({ labelSelector }).actor.node.remote()) ?? {};
    yield fact(`labels ${text}: where`, "rack" in labelSelector ? `${zone} ${rack}` : zone);
  }
  const north = looking({ labelSelector: { zone: "north" } });
  const state = await settled(() => stateOf(north.name), "PENDING_CREATION");
  yield fact('labels {"zone": "north"}, which no node has', state);
}

async function* named(): AsyncGenerator<Fact> {
  const options = { numCpus: 0, name: "keeper", lifetime: "detached" } as const;
  const keeper = remote(Looks).options(options).remote();
  const pid = await keeper.pid.remote();
  const found = await getActor<Looks>("keeper");
  yield fact("a named detached actor: found by its name", (await found.pid.remote()) === pid);
  const twice = () => remote(Looks).options(options).remote().pid.remote();
  yield fact("a named detached actor: its name again", await refused(twice));
  const again = remote(Looks)
    .options({ ...options, getIfExists: true })
    .remote();
  yield fact("a named detached actor: asked for with get_if_exists: the same", (await again.pid.remote()) === pid);
  const row = (await listActors()).find(({ name }) => name === "keeper");
  yield fact("a named detached actor: is detached", row?.isDetached);
  await kill(keeper);
  yield fact("a named detached actor: killed: state", await settled(() => stateOf("keeper"), "DEAD"));
  yield fact("a named detached actor: looked for by its name", await refused(() => getActor("keeper")));
}

async function refused(ask: () => PromiseLike<unknown>): Promise<"refused" | "granted"> {
  try {
    await ask();
    return "granted";
  } catch (error) {
    if (error instanceof RayError) return "refused";
    throw error;
  }
}
