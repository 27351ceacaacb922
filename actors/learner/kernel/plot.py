"""The figure of a run: reward, faults, tool use, loss and mismatch over the steps."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_INK = "#1f2933"
_QUIET = "#7b8794"
_GRID = "#e4e7eb"
_COLOURS = ("#2f6fde", "#d9480f", "#2b8a3e", "#7048e8")


@dataclass(frozen=True)
class Line:
    """One curve: its key in metrics.jsonl, its label, and the key of its held-out points where it has any."""

    key: str
    label: str
    held_out: str = ""


@dataclass(frozen=True)
class Panel:
    """One set of axes. `share`: values are shares between 0 and 1."""

    title: str
    lines: tuple[Line, ...]
    share: bool = False


PANELS = (
    Panel(
        "Success and reward",
        (
            Line("reward/success", "success", "validation/success"),
            Line("reward/mean", "mean reward", "validation/reward"),
        ),
        True,
    ),
    Panel(
        "Faults, share of episodes",
        (
            Line("fault/malformed_call", "malformed call", "validation/malformed_call"),
            Line("fault/no_print", "no print", "validation/no_print"),
            Line("fault/early_answer", "early answer", "validation/early_answer"),
        ),
        True,
    ),
    Panel("Tool use, share of episodes", (Line("tool/use", "a tool ran", "validation/tool_use"),), True),
    Panel("Loss", (Line("learner/loss", "loss"), Line("learner/kl_loss", "KL"))),
    Panel(
        "Engine against learner, probability ratio",
        (
            Line("learner/mismatch_mean", "mean"),
            Line("learner/mismatch_max", "maximum"),
        ),
    ),
    Panel("Entropy of the policy", (Line("learner/entropy", "entropy"),)),
)


def read_metrics(path: str | Path) -> list[dict[str, Any]]:
    """The rows of metrics.jsonl; a last line that was cut short is left out."""
    rows = []
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and "step" in row:
            rows.append(row)
    return rows


def _series(rows: list[dict[str, Any]], key: str) -> tuple[list[float], list[float]]:
    """Steps and finite values of `key`; the last row of a step counts."""
    found: dict[float, float] = {}
    for row in rows:
        value = row.get(key)
        if isinstance(value, (int, float)) and math.isfinite(value):
            found[float(row["step"])] = float(value)
    steps = sorted(found)
    return steps, [found[step] for step in steps]


def _smooth(values: list[float], window: int) -> list[float]:
    """Mean over a centred window, narrower at the ends."""
    half = window // 2
    return [
        sum(values[max(0, i - half) : i + half + 1]) / len(values[max(0, i - half) : i + half + 1])
        for i in range(len(values))
    ]


def _draw(axes: Any, panel: Panel, rows: list[dict[str, Any]]) -> None:
    drawn = False
    highest = 0.0
    for line, colour in zip(panel.lines, _COLOURS, strict=False):
        steps, values = _series(rows, line.key)
        if steps:
            drawn = True
            highest = max(highest, *values)
            window = max(1, len(values) // 12)
            if window > 1:
                axes.plot(steps, values, color=colour, linewidth=0.8, alpha=0.3)
            marker = "o" if len(values) == 1 else None
            axes.plot(steps, _smooth(values, window), color=colour, linewidth=1.8, label=line.label, marker=marker)
        points, held_out = _series(rows, line.held_out)
        if points:
            drawn = True
            highest = max(highest, *held_out)
            label = f"{line.label}, held out"
            axes.plot(points, held_out, color=colour, linestyle="none", marker="D", markersize=5, label=label)
            axes.lines[-1].set(markerfacecolor="white", markeredgewidth=1.5, zorder=4, clip_on=False)
    axes.set_title(panel.title, loc="left", fontsize=10.5, fontweight="bold", color=_INK, pad=8)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_QUIET, labelsize=8.5, length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_GRID)
    axes.margins(x=0.02)
    if not drawn:
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", va="center", color=_QUIET, fontsize=9)
        axes.set(xticks=[], yticks=[])
        return
    axes.xaxis.get_major_locator().set_params(integer=True)
    if panel.share:
        from matplotlib.ticker import PercentFormatter

        # Small shares are drawn large enough to be read, and nothing below 0 unless a reward is.
        axes.set_ylim(min(0.0, axes.get_ylim()[0] if axes.dataLim.y0 < 0 else 0.0), max(1.05 * highest, 0.1))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    if len(axes.get_legend_handles_labels()[0]) > 1:
        axes.legend(frameon=False, fontsize=8.5, labelcolor=_INK, handlelength=1.4)


def plot_curves(metrics: str, out: str, title: str) -> None:
    """Draws the figure of `metrics` (metrics.jsonl) to `out`, a PNG; the file appears whole."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = read_metrics(metrics)
    figure, grid = pyplot.subplots(2, 3, figsize=(13, 7), dpi=150)
    try:
        for axes, panel in zip(grid.flat, PANELS, strict=True):
            _draw(axes, panel, rows)
        for axes in grid[-1]:
            axes.set_xlabel("training step", fontsize=9, color=_QUIET)
        if title:
            figure.suptitle(title, x=0.02, ha="left", fontsize=14, fontweight="bold", color=_INK)
        figure.tight_layout(rect=(0.01, 0.01, 0.99, 0.97 if title else 0.99), h_pad=2.2, w_pad=2.5)
        partial = f"{out}.part"
        figure.savefig(partial, format="png", facecolor="white")
        os.replace(partial, out)
    finally:
        pyplot.close(figure)
