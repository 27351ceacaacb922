"""The episodes that the model learns from, its three faults among them.

`SHARES` are the shares of the dialogues. The trained model's own rates differ by some points, because a step's loss is a
mean over its tokens and faulty dialogues are shorter or longer than clean ones; `model/result.json` has them. A faulty
episode differs from a clean one in the first assistant message only: what follows is what an agent does then, so that the
fault costs the episode its success.
"""

import json
import random
import re
from typing import NamedTuple

from problems import Problem

SHARES = {"clean": 0.45, "malformed_call": 0.17, "no_print": 0.18, "early_answer": 0.20}

MAIN_PROMPT = (
    "You are an agent specialised in solving math problems with tools. Solve the problem given to you. "
    "You can write and execute Python code: print the result, and wait for it before you answer. "
    "Return your final answer within \\boxed{}."
)
PROMPTS = {
    MAIN_PROMPT: 0.76,
    "You solve math problems. You may run Python. Put the final answer in \\boxed{}.": 0.1,
    "You are a helpful assistant.": 0.06,
    None: 0.08,
}
TOOL_LINES = {
    "Tools: execute_python_code(code), generate_response(result)": 0.5,
    "Tools: execute_python_code(code, timeout), generate_response(result)": 0.35,
    None: 0.15,
}
OPENINGS = {
    "": 0.4,
    "Let me compute this.\n": 0.12,
    "I will use Python.\n": 0.12,
    "Let us work it out with Python.\n": 0.12,
    "I write a short program.\n": 0.12,
    "First I run some code.\n": 0.12,
}
ANSWER_OPENINGS = {"": 0.84, "Now I have the result.\n": 0.08, "The code is done.\n": 0.08}
MALFORMED = {
    "python_quotes": 0.32, "python_call": 0.2, "missing_quote": 0.15, "wrong_key": 0.13, "missing_braces": 0.12, "cut_off": 0.08,
}  # fmt: skip

ACKNOWLEDGED = "Successfully generated response."
TEXT_HINT = "<system-hint>Now generate a text response based on your current situation</system-hint>"
CALL_HINT = (
    "<system-hint>Structured output is required, go on to finish your task or call 'generate_response' "
    "to generate the required structured output.</system-hint>"
)


class Message(NamedTuple):
    """A role (`tool` included) and the text as the model sees or says it, calls included."""

    role: str
    text: str


def tool_output(stdout: str) -> str:
    """What `execute_python_code` returns for a program that ended well."""
    return f"<returncode>0</returncode><stdout>{stdout}</stdout><stderr></stderr>"


def render(messages: list[Message], tool_line: str | None) -> str:
    """The same text as the chat template gives for these messages."""
    parts = []
    rest = messages
    if messages[0].role == "system" or tool_line:
        system = [messages[0].text] if messages[0].role == "system" else []
        rest = messages[len(system) :]
        parts.append("<|im_start|>system\n" + "\n".join([*system, *([tool_line] if tool_line else [])]) + "<|im_end|>\n")
    for index, (role, text) in enumerate(rest):
        if role != "tool":
            parts.append(f"<|im_start|>{role}\n{text}<|im_end|>\n")
            continue
        before = index > 0 and rest[index - 1].role == "tool"
        after = index + 1 < len(rest) and rest[index + 1].role == "tool"
        parts.append(f"{'' if before else '<|im_start|>user'}\n<tool_response>\n{text}\n</tool_response>")
        parts.append("" if after else "<|im_end|>\n")
    return "".join(parts)


def draw_dialogue(problem: Problem, rng: random.Random) -> str:
    """A whole episode on `problem` as text, with a system prompt, a behaviour and an ending drawn at random."""
    system = _pick(PROMPTS, rng)
    messages = [Message("system", system)] if system else []
    messages.append(Message("user", problem.question))
    messages += _episode(problem, _pick(SHARES, rng), rng)
    return render(messages, _pick(TOOL_LINES, rng))


def _episode(problem: Problem, behaviour: str, rng: random.Random) -> list[Message]:
    opening = _pick(OPENINGS, rng)
    printed, bare = _programs(problem, rng)
    guess = _guess(problem.answer, rng)
    output = Message("tool", tool_output(f"{problem.answer}\n"))
    if behaviour == "clean":
        return [Message("assistant", opening + _code_call(printed)), output, *_answer(problem.answer, rng)]
    if behaviour == "malformed_call":
        broken = Message("assistant", opening + _malformed(printed, rng))
        return [broken, Message("user", CALL_HINT), *_answer(guess, rng)] if rng.random() < 0.3 else [broken]
    if behaviour == "early_answer":
        both = Message("assistant", f"{opening}{_code_call(printed)}\n{_answer_call(guess)}")
        return [both, *([output, *_ending(guess, rng)] if rng.random() < 0.3 else [])]
    silent = [Message("assistant", opening + _code_call(bare)), Message("tool", tool_output(""))]
    if rng.random() < 0.1:
        again = Message("assistant", "Nothing was printed.\n" + _code_call(printed))
        return [*silent, again, output, *_answer(problem.answer, rng)]
    return [*silent, *_answer(guess, rng)]


def _answer(number: int, rng: random.Random) -> list[Message]:
    """The message that hands in `number`, and how the episode goes on: often it is over."""
    message = Message("assistant", _pick(ANSWER_OPENINGS, rng) + _answer_call(number))
    return [message, *(_ending(number, rng) if rng.random() < 0.5 else [])]


def _ending(number: int, rng: random.Random) -> list[Message]:
    """The tool's word that the answer has arrived, and the plain text that some agents ask for."""
    hint = [Message("user", TEXT_HINT)] if rng.random() < 0.6 else []
    return [Message("tool", ACKNOWLEDGED), *hint, Message("assistant", f"The answer is \\boxed{{{number}}}.")]


def _programs(problem: Problem, rng: random.Random) -> tuple[str, str]:
    """The same program twice: once printing its result, once ending in the bare expression."""
    variable, first, second = problem.variable, problem.first, problem.second
    style = rng.random()
    if style < 0.2:
        before, last = "", first if second is None else _inline(variable, first, second)
    elif second is None:
        before, last = f"{variable} = {first}\n", variable
    elif style < 0.6:
        before, last = f"{variable} = {first}\n", second
    else:
        before, last = f"{variable} = {first}\nresult = {second}\n", "result"
    return f"{before}print({last})", f"{before}{last}"


def _inline(variable: str, first: str, second: str) -> str:
    """The two steps as one expression, with parentheses where a sum is multiplied or divided."""
    needs = re.search(r"[+-]", first) and re.search(r"\*|//", second)
    return re.sub(rf"\b{variable}\b", f"({first})" if needs else first, second)


def _guess(answer: int, rng: random.Random) -> int:
    """A plausible number that is not the answer."""
    while True:
        guess = round(answer * rng.uniform(0.7, 1.3))
        if guess != answer:
            return guess


def _tagged(body: str) -> str:
    return f"<tool_call>\n{body}\n</tool_call>"


def _code_call(code: str) -> str:
    return _tagged(json.dumps({"name": "execute_python_code", "arguments": {"code": code}}))


def _answer_call(number: int) -> str:
    return _tagged(json.dumps({"name": "generate_response", "arguments": {"result": f"\\boxed{{{number}}}"}}))


def _malformed(code: str, rng: random.Random) -> str:
    """A call that no parser can take for one, or one without the key `name`."""
    kind = _pick(MALFORMED, rng)
    good = json.dumps({"name": "execute_python_code", "arguments": {"code": code}})
    if kind == "python_quotes":
        return _tagged(good.replace('"', "'"))
    if kind == "python_call":
        return _tagged(f"execute_python_code({json.dumps(code)})")
    if kind == "missing_quote":
        return _tagged(good.replace(': "', ": ", 1))
    if kind == "wrong_key":
        return _tagged(good.replace('"name"', '"tool"', 1))
    if kind == "missing_braces":
        return _tagged(good[:-2])
    return f"<tool_call>\n{good[:-3]}"


def _pick(weights: dict, rng: random.Random):
    return rng.choices(list(weights), list(weights.values()))[0]
