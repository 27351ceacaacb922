"""The quickstart's problems: one split each, right answers, the same for the same seed."""

import json
import random
import re
import sys
from itertools import islice
from pathlib import Path

import pytest
from tokenizers import Tokenizer

FOLDER = Path(__file__).resolve().parents[2] / "tutorial" / "quickstart_model"
sys.path.insert(0, str(FOLDER))

from dialogues import draw_dialogue  # noqa: E402
from problems import SPLITS, distinct_problems, problems, split_of, task_line, write_split  # noqa: E402
from stories import STORIES  # noqa: E402


def tasks(split):
    return [json.loads(line) for line in (FOLDER / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_no_question_is_in_two_splits():
    questions = {split: {problem.question for problem in islice(problems(split, 1), 1500)} for split in SPLITS}
    for split, found in questions.items():
        assert {split_of(question) for question in found} == {split}
        assert all(not found & questions[other] for other in SPLITS if other != split)


def test_an_answer_is_what_its_steps_give():
    for problem in islice(problems("sft", 2), 2000):
        value = eval(problem.first)
        if problem.second is not None:
            value = eval(problem.second, {problem.variable: value})
        assert value == problem.answer
        assert 26 <= problem.answer <= 99_999


def test_numbers_have_at_most_three_digits_and_are_in_the_question():
    for problem in islice(problems("sft", 3), 2000):
        used = re.findall(r"\d+", f"{problem.first} {problem.second or ''}")
        assert sorted(used) == sorted(re.findall(r"\d+", problem.question))
        assert all(len(number) <= 3 for number in used)


def test_every_story_gives_problems():
    asked = [problem.question for problem in islice(problems("sft", 4), 2000)]
    for text, *_ in STORIES:
        pattern = re.compile(re.sub(r"\\{[a-z]\\}", r".+", re.escape(text)))
        assert any(pattern.fullmatch(question) for question in asked), text


def test_the_same_seed_gives_the_same_problems():
    assert distinct_problems("tune", 50, 5) == distinct_problems("tune", 50, 5)
    assert distinct_problems("tune", 50, 5) != distinct_problems("tune", 50, 6)


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match="split must be one of"):
        next(problems("test", 1))


@pytest.mark.parametrize(("split", "count"), [("tune", 2000), ("heldout", 1000)])
def test_the_committed_file_is_what_the_generator_writes(split, count, tmp_path):
    written = write_split(split, count, 7, tmp_path)
    assert written.read_bytes() == (FOLDER / f"{split}.jsonl").read_bytes()
    found = tasks(split)
    assert len({task["main_query"] for task in found}) == len({task["task_id"] for task in found}) == count
    assert all(split_of(task["main_query"]) == split for task in found)
    assert all(task["metadata"]["question"] == task["main_query"] for task in found)


def test_a_task_line_ends_its_answer_with_the_number():
    problem = distinct_problems("heldout", 1, 7)[0]
    task = json.loads(task_line("heldout", 3, problem))
    assert task["task_id"] == "quickstart-heldout-0003"
    assert task["metadata"]["answer"].endswith(f" #### {problem.answer}")


def test_the_tokenizer_gives_dialogues_back_and_each_digit_a_token():
    tokenizer = Tokenizer.from_file(str(FOLDER / "model" / "tokenizer.json"))
    rng = random.Random(8)
    for problem in islice(problems("heldout", 8), 200):
        text = draw_dialogue(problem, rng)
        encoded = tokenizer.encode(text)
        assert tokenizer.decode(encoded.ids, skip_special_tokens=False) == text
        assert all(len(token) == 1 for token in encoded.tokens if re.search(r"\d", token))
