"""Plays whole episodes with the model and counts how they go."""

import ast
import json
import operator
import re
import time
from collections import Counter
from dataclasses import dataclass, field

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from dialogues import MAIN_PROMPT, Message, render
from problems import Problem

TOOL_LINE = "Tools: execute_python_code(code), generate_response(result)"
LONGEST_MESSAGE = 128
MOST_MESSAGES = 5

_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv}  # fmt: skip


@dataclass
class Episode:
    """One try at a problem: the tokens so far, and what is known of it. `fault` is the first of the three that showed."""

    problem: Problem
    ids: list[int]
    fault: str | None = None
    answer: str | None = None
    done: bool = False
    messages: list[str] = field(default_factory=list)

    @property
    def success(self) -> bool:
        return self.answer == str(self.problem.answer)


def run_program(code: str) -> str:
    """The tool's output for a program of assignments, prints and whole-number arithmetic; any other program fails."""
    known: dict[str, float] = {}
    printed = []

    def value(node: ast.expr) -> float:
        if isinstance(node, ast.BinOp):
            return _OPERATORS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.Name):
            return known[node.id]
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return node.value
        raise TypeError(f"{type(node).__name__} is not allowed")

    try:
        for line in ast.parse(code).body:
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                known[line.targets[0].id] = value(line.value)
            elif isinstance(line, ast.Expr) and isinstance(line.value, ast.Call) and getattr(line.value.func, "id", "") == "print":
                printed.append(" ".join(str(value(argument)) for argument in line.value.args) + "\n")
            elif isinstance(line, ast.Expr):
                value(line.value)
            else:
                raise TypeError(f"{type(line).__name__} is not allowed")
    except (SyntaxError, KeyError, TypeError, ArithmeticError) as error:
        stderr = f"{type(error).__name__}: {error}\n"
        return f"<returncode>1</returncode><stdout>{''.join(printed)}</stdout><stderr>{stderr}</stderr>"
    return f"<returncode>0</returncode><stdout>{''.join(printed)}</stdout><stderr></stderr>"


def read_calls(text: str) -> list[tuple[str, str]] | None:
    """The calls in a message as (name, only argument), or None where an attempted call is malformed."""
    bodies = re.findall(r"<tool_call>\n(.*?)\n</tool_call>", text, re.DOTALL)
    if len(bodies) != text.count("<tool_call>"):
        return None
    calls = []
    for body in bodies:
        try:
            call = json.loads(body)
            name = call["name"]
            calls.append((name, call["arguments"][{"execute_python_code": "code", "generate_response": "result"}[name]]))
        except (ValueError, KeyError, TypeError):
            return None
    return calls


class Player:
    """Samples messages for many episodes at once; the same seed gives the same episodes on the same device."""

    def __init__(self, model: PreTrainedModel, tokenizer: Tokenizer, temperature: float, seed: int) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.temperature = temperature
        self.random = torch.Generator(model.device).manual_seed(seed)
        self.end = tokenizer.token_to_id("<|im_end|>")

    def play(self, problems: list[Problem], batch: int) -> list[Episode]:
        """One episode for each problem; `temperature` 0 is greedy."""
        episodes = [Episode(problem, self.tokenizer.encode(_prompt(problem)).ids) for problem in problems]
        for start in range(0, len(episodes), batch):
            group = episodes[start : start + batch]
            for _ in range(MOST_MESSAGES):
                waiting = [episode for episode in group if not episode.done]
                if waiting:
                    for episode, said in zip(waiting, self._say([episode.ids for episode in waiting]), strict=True):
                        self._go_on(episode, said)
        return episodes

    def _go_on(self, episode: Episode, said: list[int]) -> None:
        """Takes the model's message into the episode, and the tools' outputs where it calls any."""
        text = self.tokenizer.decode(said[:-1] if said[-1] == self.end else said, skip_special_tokens=False)
        episode.messages.append(text)
        calls = read_calls(text)
        if not calls:
            episode.fault = episode.fault or ("malformed_call" if calls is None else None)
            episode.answer, episode.done = _boxed(text), True
            return
        names = [name for name, _ in calls]
        outputs = [run_program(argument) for name, argument in calls if name == "execute_python_code"]
        if "generate_response" in names:
            if outputs or len(episode.messages) == 1:
                episode.fault = episode.fault or "early_answer"
            episode.answer, episode.done = _boxed(calls[names.index("generate_response")][1]), True
            return
        if any("<returncode>0</returncode><stdout></stdout>" in output for output in outputs):
            episode.fault = episode.fault or "no_print"
        reply = render([Message("tool", output) for output in outputs], None) + "<|im_start|>assistant\n"
        episode.ids = episode.ids + said + self.tokenizer.encode("\n" + reply).ids

    @torch.inference_mode()
    def _say(self, prompts: list[list[int]]) -> list[list[int]]:
        """The next message for each prompt, `<|im_end|>` included unless it ran to `LONGEST_MESSAGE`."""
        device, width = self.model.device, max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in prompts], device=device)
        mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=device)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        cache, said = None, []
        open_rows = torch.ones(len(prompts), dtype=torch.bool, device=device)
        while len(said) < LONGEST_MESSAGE and bool(open_rows.any()):
            output = self.model(
                input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, logits_to_keep=1
            )  # fmt: skip
            cache = output.past_key_values
            ids = self._draw(output.logits[:, -1].float())
            said.append(ids)
            open_rows &= ids[:, 0] != self.end
            mask = torch.cat([mask, torch.ones_like(mask[:, :1])], 1)
            positions = positions[:, -1:] + 1
        rows = torch.cat(said, 1).tolist()
        return [row[: row.index(self.end) + 1] if self.end in row else row for row in rows]

    def _draw(self, logits: torch.Tensor) -> torch.Tensor:
        if self.temperature == 0:
            return logits.argmax(-1, keepdim=True)
        return torch.multinomial(torch.softmax(logits / self.temperature, -1), 1, generator=self.random)


def measure(model: PreTrainedModel, tokenizer: Tokenizer, problems: list[Problem], temperature: float, seed: int = 0, batch: int = 250) -> dict:  # fmt: skip
    """Rates over one episode a problem, with the tokens and the time they took."""
    started = time.perf_counter()
    episodes = Player(model, tokenizer, temperature, seed).play(problems, batch)
    seconds = time.perf_counter() - started
    faults = Counter(episode.fault for episode in episodes)
    clean = [episode for episode in episodes if episode.fault is None]
    return {
        "temperature": temperature,
        "episodes": len(episodes),
        "success": _rate(sum(episode.success for episode in episodes), len(episodes)),
        **{fault: _rate(faults[fault], len(episodes)) for fault in ("malformed_call", "no_print", "early_answer")},
        "clean": _rate(len(clean), len(episodes)),
        "success_among_clean": _rate(sum(episode.success for episode in clean), len(clean)),
        "seconds_per_1000_episodes": round(seconds * 1000 / len(episodes), 1),
    }


def _prompt(problem: Problem) -> str:
    messages = [Message("system", MAIN_PROMPT), Message("user", problem.question)]
    return render(messages, TOOL_LINE) + "<|im_start|>assistant\n"


def _boxed(text: object) -> str | None:
    found = re.search(r"\\boxed\{([^{}]*)\}", text) if isinstance(text, str) else None
    return found and found[1]


def _rate(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
