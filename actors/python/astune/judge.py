"""The base of a judge written in Python."""

from __future__ import annotations

from typing import Any


class JudgeBase:
    """A judge's class derives from it, or has the same method. One instance serves all episodes.

    `compute_reward` takes `judge_input_dictionary`, or `workflow_task` and `workflow_output`; it may be asynchronous.
    """

    def __init__(self, config: Any = None) -> None:
        self.config = config

    def compute_reward(self, judge_input_dictionary: dict[str, Any]) -> tuple[float, bool]:
        """Gives `raw_reward` and `is_success`."""
        raise NotImplementedError(f"{type(self).__name__} has no compute_reward")
