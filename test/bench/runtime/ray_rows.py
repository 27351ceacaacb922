"""Ray's own microbenchmark bodies, unchanged, one JSON line a row. Usage: ray_rows.py GROUP SECONDS

Only `timeit` is replaced: so many seconds a window, four windows, their mean and standard deviation. GROUP is calls, groups
or latency; the last one has figures that Ray's benchmark lacks.
"""

import inspect
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import numpy as np  # noqa: E402
import ray  # noqa: E402
import ray._private.ray_perf as perf  # noqa: E402

ROWS = {
    "single client get calls (Plasma Store)",
    "single client put calls (Plasma Store)",
    "single client wait 1k refs",
    "single client tasks sync",
    "single client tasks async",
    "1:1 actor calls sync",
    "1:1 actor calls async",
    "1:1 actor calls concurrent",
    "n:n actor calls async",
    "n:n actor calls with arg async",
    "1:1 async-actor calls sync",
    "1:1 async-actor calls async",
    "1:1 async-actor calls with args async",
    "n:n async-actor calls async",
    "placement group create/removal",
}


def say(name: str, rates: list[float], unit: str = "per s") -> None:
    row = {"name": name, "mean": statistics.mean(rates), "sd": statistics.pstdev(rates), "unit": unit}
    print(json.dumps(row), flush=True)


def timeit_for(seconds: float):
    def timeit(name, body, multiplier=1, warmup_time_sec=0):
        if name not in ROWS:
            return [None]
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < seconds / 2:
            body()
            count += 1
        step, rates = count // 10 + 1, []
        for _ in range(4):
            start, count = time.perf_counter(), 0
            while time.perf_counter() - start < seconds:
                for _ in range(step):
                    body()
                count += step
            rates.append(multiplier * count / (time.perf_counter() - start))
        say(name, rates)
        return [None]

    return timeit


def quiet_init(init):
    def wrapped(*args, **kwargs):
        for key, value in {"address": "local", "logging_level": "ERROR", "log_to_driver": False}.items():
            kwargs.setdefault(key, value)
        kwargs.setdefault("_temp_dir", tempfile.mkdtemp(prefix="rb"))
        return init(*args, **kwargs)

    return wrapped


def bodies(group: str, seconds: float) -> None:
    """The part of Ray's `main` before or after the placement groups."""
    perf.timeit, perf.client_microbenchmark_main = timeit_for(seconds), lambda *_: None
    source = inspect.getsource(perf.main)
    cut = source.index("    NUM_PGS = 100")
    part = source[:cut] if group == "calls" else "def main():\n    results = []\n" + source[cut:]
    scope = dict(perf.__dict__)
    exec(part, scope)  # noqa: S102: Ray's own source, cut in two
    scope["main"]()


@ray.remote(num_cpus=0)
class Sized:
    def ok(self):
        return b"ok"

    def size(self, value):
        return len(value)


def timed(body) -> float:
    start = time.perf_counter()
    body()
    return (time.perf_counter() - start) * 1e3


def latency() -> None:
    started = time.perf_counter()
    ray.init(num_cpus=multiprocessing.cpu_count())
    ray.get(ray.remote(lambda: 1).remote())
    say("cluster start and first task", [time.perf_counter() - started], "s")
    creation = []
    for _ in range(3):
        start = time.perf_counter()
        actors = [Sized.remote() for _ in range(20)]
        ray.get([actor.ok.remote() for actor in actors])
        creation.append(20 / (time.perf_counter() - start))
        for actor in actors:
            ray.kill(actor)
        time.sleep(2)
    say("20 actors at once, created and answering", creation)
    start = time.perf_counter()
    for _ in range(40):
        actor = Sized.remote()
        ray.get(actor.ok.remote())
        ray.kill(actor)
    say("actors one after another, created and answering", [40 / (time.perf_counter() - start)])
    actor = Sized.remote()
    ray.get(actor.ok.remote())
    for name, value in {"array": np.ones(100_000_000, np.uint8), "bytes": os.urandom(100_000_000)}.items():
        times = {"put": [], "get": [], "pass to an actor": []}
        for _ in range(12):
            ref = None
            start = time.perf_counter()
            ref = ray.put(value)
            times["put"].append((time.perf_counter() - start) * 1e3)
            times["get"].append(timed(lambda ref=ref: ray.get(ref)))
            times["pass to an actor"].append(timed(lambda ref=ref: ray.get(actor.size.remote(ref))))
        for what, values in times.items():
            row = {"name": f"100 MB {name}, {what}", "mean": statistics.median(values[2:]), "unit": "ms"}
            print(json.dumps({**row, "sd": statistics.pstdev(values[2:])}), flush=True)
    ray.shutdown()


if __name__ == "__main__":
    group, seconds = sys.argv[1], float(sys.argv[2])
    ray.init = perf.ray.init = quiet_init(ray.init)
    latency() if group == "latency" else bodies(group, seconds)
