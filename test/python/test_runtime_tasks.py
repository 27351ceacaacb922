"""What a Python host tells of its calls."""

import threading

import runtime_support  # noqa: F401
from astune_runtime.io_loop import IoLoop
from astune_runtime.task_log import TaskLog


def test_what_has_ended_is_told_once_and_what_runs_when_it_is_asked_for():
    told, has_told = [], threading.Event()
    io = IoLoop()

    def report(batch):
        told.append(batch)
        has_told.set()

    try:
        log = TaskLog(io, report)
        watching = log.observe("ACTOR_TASK", "job", "actor")
        done, failed, runs = (watching.began(f"t{n}", f"Counter.{name}") for n, name in enumerate(("add", "sell", "wait")))
        done.ended()
        watching.failed("Counter.sell", KeyError("ink"), failed)
        failed.ended()
        assert has_told.wait(60)
        facts = {"type": "ACTOR_TASK", "jobId": "job", "actorId": "actor"}
        first, second = told[0]["events"]
        assert first.items() >= {**facts, "taskId": "t0", "name": "Counter.add", "state": "FINISHED"}.items()
        assert second.items() >= {**facts, "state": "FAILED", "errorType": "KeyError", "errorMessage": "'ink'"}.items()
        assert first["endMs"] >= first["startMs"] and first["errorType"] is None
        counts = {each["name"]: (each["started"], each["failed"]) for each in told[0]["counts"]}
        assert counts == {"Counter.add": (1, 0), "Counter.sell": (1, 1), "Counter.wait": (1, 0)}
        now = log.take()
        assert [(each["taskId"], each["state"], each["endMs"]) for each in now["events"]] == [("t2", "RUNNING", None)]
        assert now["counts"] == []
        runs.ended()
        assert [each["state"] for each in log.take()["events"]] == ["FINISHED"]
    finally:
        io.stop()


def test_a_flood_is_counted_and_only_some_of_it_is_kept():
    io = IoLoop()
    try:
        log = TaskLog(io, lambda _: None)
        watching = log.observe("NORMAL_TASK", "job", None)
        kept = [watch for n in range(1000) if (watch := watching.began(str(n), "add"))]
        assert len(kept) < 1000
        assert log.take()["counts"] == [{"name": "add", "type": "NORMAL_TASK", "started": 1000, "failed": 0}]
    finally:
        io.stop()
