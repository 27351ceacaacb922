"""Seeded word problems whose results are hard to guess without a calculator.

Run as a program, this writes `tune.jsonl` and `heldout.jsonl` beside itself. A question belongs to exactly one split, by a
hash of its text, so no question is in two splits, whatever the seed and however many are drawn.
"""

import argparse
import ast
import hashlib
import json
import operator
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stories import NAMES, STORIES, THINGS, TIMES

SPLITS = ("sft", "tune", "heldout")
HERE = Path(__file__).resolve().parent

_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv}


@dataclass(frozen=True)
class Problem:
    """A question, its one or two steps with the numbers filled in, and its answer.

    `second` is None for a problem of one step; else it names `variable`, which holds the value of `first`.
    """

    question: str
    variable: str
    first: str
    second: str | None
    answer: int


class _Unfit(Exception):
    """The numbers drawn give a division with a remainder or a value that is out of range."""


def _value(expression: str, known: dict[str, int]) -> int:
    """The value of `expression`, or `_Unfit` unless each part of it is a positive whole number."""

    def visit(node: ast.expr) -> int:
        if isinstance(node, ast.BinOp):
            left, right = visit(node.left), visit(node.right)
            if isinstance(node.op, ast.FloorDiv) and left % right:
                raise _Unfit
            value = _OPERATORS[type(node.op)](left, right)
        else:
            value = known[node.id] if isinstance(node, ast.Name) else ast.literal_eval(node)
        if value <= 0:
            raise _Unfit
        return value

    return visit(ast.parse(expression, mode="eval").body)


def _ranges(first: str, second: str | None) -> dict[str, tuple[int, int]]:
    """For each number of a story, the range it is drawn from: small for factors, smaller for divisors, else 3 digits."""
    steps = f"{first} ; {second or ''}"
    ranges = {}
    for letter in sorted(set(re.findall(r"\b[abcd]\b", steps))):
        if re.search(rf"// {letter}\b", steps):
            ranges[letter] = (3, 12)
        elif re.search(rf"\b{letter} \*|\* {letter}\b", steps):
            ranges[letter] = (12, 99)
        else:
            ranges[letter] = (101, 999)
    if second == "a * days":
        ranges.update(a=(101, 999), b=(31, 99), c=(3, 19))
    elif second in ("a - cost", "a - pumped"):
        ranges.update(a=(401, 999), b=(6, 39), c=(6, 39))
    elif second == "week - c":
        ranges.update(a=(301, 999), c=(11, 99))
    return ranges


_PLANS = [(*story, _ranges(story[2], story[3])) for story in STORIES]


def draw_problem(rng: random.Random) -> Problem:
    """One problem. Its answer has two to five digits, mostly three or four."""
    text, variable, first, second, ranges = rng.choice(_PLANS)
    while True:
        numbers = {letter: rng.randint(low, high) for letter, (low, high) in ranges.items()}
        try:
            kept = _value(first, numbers)
            answer = kept if second is None else _value(second, {**numbers, variable: kept})
        except _Unfit:
            continue
        if 26 <= answer <= 99_999:
            break
    name, other = rng.sample(NAMES, 2)
    question = text.format(n=name, m=other, i=rng.choice(THINGS), t=rng.choice(TIMES), **numbers)
    return Problem(question, variable, _fill(first, numbers), second and _fill(second, numbers), answer)


def _fill(expression: str, numbers: dict[str, int]) -> str:
    return re.sub(r"\b[abcd]\b", lambda match: str(numbers[match[0]]), expression)


def split_of(question: str) -> str:
    """The split that a question belongs to: a tenth each to `heldout` and `tune`, the rest to `sft`."""
    digit = int.from_bytes(hashlib.sha256(question.encode()).digest()[:4], "big") % 10
    return {0: "heldout", 1: "tune"}.get(digit, "sft")


def problems(split: str, seed: int) -> Iterator[Problem]:
    """An endless stream of a split's problems, the same for the same seed; a problem may come again after a long time."""
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, not {split!r}")
    rng = random.Random(f"{split}/{seed}")
    while True:
        problem = draw_problem(rng)
        if split_of(problem.question) == split:
            yield problem


def distinct_problems(split: str, count: int, seed: int) -> list[Problem]:
    """The first `count` problems of the stream whose questions all differ."""
    found: dict[str, Problem] = {}
    for problem in problems(split, seed):
        found.setdefault(problem.question, problem)
        if len(found) == count:
            return list(found.values())
    raise AssertionError("the stream is endless")


def task_line(split: str, index: int, problem: Problem) -> str:
    """A problem as one line of the `dataset_file` reader; the answer ends with `#### ` and the number."""
    if problem.second is None:
        reasoning = f"{problem.first} = {problem.answer}"
    else:
        reasoning = f"{problem.variable} = {problem.first}; {problem.second} = {problem.answer}"
    task = {
        "task_id": f"quickstart-{split}-{index:04d}",
        "main_query": problem.question,
        "metadata": {"question": problem.question, "answer": f"{reasoning} #### {problem.answer}"},
    }
    return json.dumps(task, ensure_ascii=False)


def write_split(split: str, count: int, seed: int, folder: Path) -> Path:
    """Writes `count` distinct problems to `<folder>/<split>.jsonl` and returns the file's path."""
    lines = [task_line(split, index, problem) for index, problem in enumerate(distinct_problems(split, count, seed))]
    path = folder / f"{split}.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the quickstart's problems, tune.jsonl and heldout.jsonl.")
    parser.add_argument("--seed", type=int, default=7, help="seed of the generator (default: 7)")
    parser.add_argument("--tune", type=int, default=2000, metavar="N", help="problems to tune on (default: 2000)")
    parser.add_argument("--heldout", type=int, default=1000, metavar="N", help="problems to judge on (default: 1000)")
    parser.add_argument("--out", type=Path, default=HERE, metavar="FOLDER", help="where to write (default: this folder)")
    arguments = parser.parse_args()
    for split in ("tune", "heldout"):
        path = write_split(split, getattr(arguments, split), arguments.seed, arguments.out)
        print(f"wrote {path.name}: {getattr(arguments, split)} problems")


if __name__ == "__main__":
    main()
