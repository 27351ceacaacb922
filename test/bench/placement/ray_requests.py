"""The requests of requests.ts, made to a real Ray cluster of four pretended nodes; one JSON line for each fact.

Usage: ray_requests.py
"""

import collections
import json
import os
import time

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray  # noqa: E402
from ray._private.state import actors as actor_table  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402
from ray.util import placement_group, placement_group_table, remove_placement_group  # noqa: E402
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy  # noqa: E402

LATE_S = 120
"""What is to come has so long."""
SETTLES_S = 3
"""What waits for a place is looked at after so long."""


@ray.remote(num_cpus=0)
class Looks:
    def gpus(self):
        return [str(gpu) for gpu in ray.get_gpu_ids()]

    def visible(self):
        return os.environ.get("CUDA_VISIBLE_DEVICES", "")

    def pid(self):
        return os.getpid()

    def node(self):
        return ray.get_runtime_context().get_node_id()


def say(name, value):
    text = str(value).lower() if isinstance(value, bool) else str(value)
    print(json.dumps({"name": name, "value": text}), flush=True)


def state(actor):
    # It may not have been heard of yet.
    return actor_table(actor._actor_id.hex()).get("State", "unknown")


def settled(look, wanted):
    """The fact once it is as wanted, or as it is after a while."""
    until = time.monotonic() + SETTLES_S * 3
    while (seen := look()) != wanted and time.monotonic() < until:
        time.sleep(0.05)
    return seen


def group_state(group):
    """`INFEASIBLE`, which Ray keeps beside the state, where no node could ever take it."""
    table = placement_group_table(group)
    waits = table["stats"]["scheduling_state"]
    return "INFEASIBLE" if table["state"] == "PENDING" and waits == "INFEASIBLE" else table["state"]


def nodes_of(group):
    return len(set(placement_group_table(group)["bundles_to_node_id"].values()))


def counted(ids):
    """How many of each, whatever they are called."""
    return ",".join(str(count) for count in sorted(collections.Counter(ids).values()))


def refused(act):
    try:
        act()
    except Exception:  # noqa: BLE001 whatever Ray calls it
        return "refused"
    return "granted"


def main():
    cluster = Cluster()
    for index in range(4):
        labels = {"zone": "west" if index < 2 else "east", "rack": str(index)}
        node = {"num_cpus": 2, "num_gpus": 8, "labels": labels, "object_store_memory": 80 << 20}
        cluster.add_node(**node, **({"include_dashboard": False} if index == 0 else {}))
    ray.init(address=cluster.address, namespace="placement", log_to_driver=False)
    cluster.wait_for_nodes(timeout=LATE_S)
    rack_of = {node["NodeID"]: node["Labels"]["rack"] for node in ray.nodes()}
    zone_of = {node["NodeID"]: node["Labels"]["zone"] for node in ray.nodes()}
    say("GPUs of the cluster", int(ray.cluster_resources()["GPU"]))

    spread = placement_group([{"GPU": 8}] * 3, strategy="STRICT_SPREAD")
    say("three bundles of 8 GPUs, STRICT_SPREAD: ready", spread.wait(LATE_S))
    say("three bundles of 8 GPUs, STRICT_SPREAD: its state", group_state(spread))
    say("three bundles of 8 GPUs, STRICT_SPREAD: nodes it is on", nodes_of(spread))
    say("three bundles of 8 GPUs, STRICT_SPREAD: GPUs left", int(ray.available_resources().get("GPU", 0)))

    waiting = placement_group([{"GPU": 8}] * 2, strategy="STRICT_SPREAD")
    say("two more of 8 while one node is free: state", settled(lambda: group_state(waiting), "PENDING"))
    five = placement_group([{"GPU": 8}] * 5, strategy="STRICT_SPREAD")
    say("five bundles STRICT_SPREAD on four nodes: state", settled(lambda: group_state(five), "INFEASIBLE"))
    wide = placement_group([{"GPU": 16}], strategy="PACK")
    say("one bundle of 16 GPUs: state", settled(lambda: group_state(wide), "INFEASIBLE"))
    packed = placement_group([{"GPU": 8}] * 2, strategy="STRICT_PACK")
    say("two bundles of 8 GPUs STRICT_PACK: state", settled(lambda: group_state(packed), "INFEASIBLE"))
    for group in (five, wide, packed):
        remove_placement_group(group)
    say("a group that never fitted, removed: state", settled(lambda: group_state(five), "REMOVED"))
    remove_placement_group(waiting)

    quarters = [Looks.options(num_gpus=0.25).remote() for _ in range(24)]
    ids = ray.get([actor.gpus.remote() for actor in quarters], timeout=LATE_S)
    homes = ray.get([actor.node.remote() for actor in quarters])
    say("24 actors with 0.25 GPU: states", counted(state(actor) for actor in quarters) + " " + state(quarters[0]))
    say("24 actors with 0.25 GPU: nodes they are on", len(set(homes)))
    say("24 actors with 0.25 GPU: GPUs each sees", counted(len(own) for own in ids) + f" with {len(ids[0])}")
    say("24 actors with 0.25 GPU: actors on each GPU", counted(gpu for own in ids for gpu in own))
    visible = ray.get(quarters[0].visible.remote())
    say("24 actors with 0.25 GPU: what CUDA_VISIBLE_DEVICES says is leased", visible == ids[0][0])
    say("24 actors with 0.25 GPU: GPUs left", int(ray.available_resources().get("GPU", 0)))
    beside = "two actors with a whole GPU beside them"
    whole = [Looks.options(num_gpus=1).remote() for _ in range(3)]
    own = ray.get([actor.gpus.remote() for actor in whole[:2]], timeout=LATE_S)
    common = {gpu for one in own for gpu in one} & {gpu for one in ids for gpu in one}
    say(f"{beside}: GPUs shared", len(common))
    say(f"{beside}: a third one", settled(lambda: state(whole[2]), "PENDING_CREATION"))
    for actor in quarters[:4]:
        ray.kill(actor)
    waits = settled(lambda: state(whole[2]), "PENDING_CREATION")
    say(f"{beside}: once four with a quarter have ended", waits)
    shared = {i[0] for i in ids[:4]}
    for actor in (actor for actor, i in zip(quarters[4:], ids[4:], strict=True) if i[0] in shared):
        ray.kill(actor)
    has = ray.get(whole[2].gpus.remote(), timeout=LATE_S)
    say(f"{beside}: once all on those GPUs have ended: GPUs it has", len(has))

    def inside(index, gpus):
        strategy = PlacementGroupSchedulingStrategy(placement_group=spread, placement_group_bundle_index=index)
        return Looks.options(num_gpus=gpus, scheduling_strategy=strategy).remote()

    engines = [inside(index, 8) for index in range(3)]
    seen = ray.get([actor.gpus.remote() for actor in engines], timeout=LATE_S)
    say("an actor with 8 GPUs in each bundle: GPUs of each", ",".join(str(len(set(gpus))) for gpus in seen))
    homes = set(ray.get([actor.node.remote() for actor in engines]))
    say("an actor with 8 GPUs in each bundle: nodes they are on", len(homes))
    more = inside(0, 1)
    waits = settled(lambda: state(more), "PENDING_CREATION")
    say("an actor with 8 GPUs in each bundle: one more GPU in a full bundle", waits)
    large = Looks.options(num_gpus=9).remote()
    say("an actor with 9 GPUs", settled(lambda: state(large), "PENDING_CREATION"))

    def labelled(selector):
        return Looks.options(num_gpus=0, label_selector=selector).remote()

    for selector in ({"zone": "east"}, {"zone": "!east"}, {"zone": "in(east)", "rack": "!in(2)"}, {"rack": "1"}):
        home = ray.get(labelled(selector).node.remote(), timeout=LATE_S)
        rack = rack_of[home] if "rack" in selector else ""
        say(f"labels {json.dumps(selector)}: where", f"{zone_of[home]} {rack}".strip())
    north = labelled({"zone": "north"})
    say('labels {"zone": "north"}, which no node has', settled(lambda: state(north), "PENDING_CREATION"))

    options = {"name": "keeper", "lifetime": "detached", "num_gpus": 0}
    keeper = Looks.options(**options).remote()
    pid = ray.get(keeper.pid.remote(), timeout=LATE_S)
    say("a named detached actor: found by its name", ray.get(ray.get_actor("keeper").pid.remote()) == pid)
    say("a named detached actor: its name again", refused(lambda: Looks.options(**options).remote()))
    again = Looks.options(**options, get_if_exists=True).remote()
    say("a named detached actor: asked for with get_if_exists: the same", ray.get(again.pid.remote()) == pid)
    say("a named detached actor: is detached", actor_table(keeper._actor_id.hex())["IsDetached"])
    ray.kill(keeper)
    say("a named detached actor: killed: state", settled(lambda: state(keeper), "DEAD"))
    say("a named detached actor: looked for by its name", refused(lambda: ray.get_actor("keeper")))

    remove_placement_group(spread)
    say("the group removed: its state", settled(lambda: group_state(spread), "REMOVED"))
    say("the group removed: an actor in it", settled(lambda: state(engines[0]), "DEAD"))
    say("the group removed: one that waited in it", settled(lambda: state(more), "DEAD"))
    last = placement_group([{"GPU": 8}] * 3, strategy="STRICT_SPREAD")
    say("the group removed: its GPUs are free for another such group", last.wait(LATE_S))
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    main()
