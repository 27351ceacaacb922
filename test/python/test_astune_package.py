"""The package that workflows import: what the judge is told is plain data, and the names are those of upstream."""

import dataclasses

import pytest
import runtime_support  # noqa: F401

import astune  # isort: skip
from astune.plain import plain, plain_config
from astune.workflow_task import Task, WorkflowTask


@dataclasses.dataclass
class Answer:
    text: str


class Dumped:
    def model_dump(self):
        return {"text": "t"}


def test_what_the_judge_is_told_is_plain():
    given = {"a": (1, None, True), 2: Answer("x"), "d": [Dumped()]}
    assert plain(given, "input") == {"a": [1, None, True], "2": {"text": "x"}, "d": [{"text": "t"}]}
    with pytest.raises(TypeError, match=r"input\.a\[1\] is a object"):
        plain({"a": [1, object()]}, "input")


def test_a_configuration_has_its_keys_as_attributes():
    config = plain_config({"astune": {"logger": [{"name": "console"}]}})
    assert config.astune.logger[0].name == "console"


def test_a_task_without_messages_asks_its_query():
    task = WorkflowTask(Task.of({"taskId": "t", "mainQuery": "What?", "metadata": {"answer": "4"}}))
    assert task.task.init_messages == [{"role": "user", "content": "What?"}]
    assert (task.metadata["answer"], task.task_id, task.main_query) == ("4", "t", "What?")
    with pytest.raises(AttributeError, match="no colour"):
        _ = task.colour


def test_the_packages_names():
    assert astune.WorkflowOutput(reward=1.0).metadata == {}
    with pytest.raises(AttributeError, match="it has"):
        _ = astune.nothing
    with pytest.raises(astune.RayError, match="init"):
        astune.put(1)
