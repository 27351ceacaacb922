"""The quickstart model's tokenizer: a small byte-level BPE in which every digit is a token of its own."""

import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from dialogues import draw_dialogue
from problems import problems

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MARKS = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
TOOL_NAMES = ("execute_python_code", "generate_response", " execute_python_code", " generate_response")
SIZE = 1024
TEMPLATE = Path(__file__).resolve().parent / "chat_template.jinja"

# What merges are learnt on: words with their underscores, single digits, runs of signs, escaped newlines, backslashes and
# blanks, each apart, so that no token is half word and half code.
_PIECES = r" ?[\p{L}_]+|\p{N}| ?[^ \t\r\n\p{L}\p{N}_\\]+|\\n|\\+|[ \t\r\n]+"

# How text is cut in use. It is Qwen2's own way, because transformers 5 cuts so for every model of that architecture,
# whatever tokenizer.json says.
_QWEN2_PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def make_tokenizer(seed: int, dialogues: int = 20_000) -> Tokenizer:
    """A tokenizer of `SIZE` tokens, learnt from `dialogues` episodes.

    The tools' names are whole tokens. Any text comes back from its tokens, in Unicode's composed form (NFC) as with Qwen2.
    """
    vocabulary, merges = _learn(seed, dialogues)
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = _cutting(_QWEN2_PIECES)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in TOOL_NAMES + MARKS])
    return tokenizer


def write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Writes the tokenizer's files, chat template included, as Hugging Face tools expect them."""
    tokenizer.save(str(folder / "tokenizer.json"))
    template = TEMPLATE.read_text(encoding="utf-8")
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    config = {
        "tokenizer_class": "Qwen2Tokenizer",
        "model_max_length": 1024,
        "bos_token": None,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "unk_token": None,
        "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
        "add_bos_token": False,
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "chat_template": template,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _learn(seed: int, dialogues: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The vocabulary and merges, less the tools' names, which become added tokens after them."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = _cutting(_PIECES)
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE - len(MARKS),
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    learner.train_from_iterator(_texts(dialogues, seed), trainer)
    learnt = json.loads(learner.to_str())["model"]
    names = {name.replace(" ", "Ġ") for name in TOOL_NAMES}
    tokens = [token for token in learnt["vocab"] if token not in names]
    merges = [tuple(pair) for pair in learnt["merges"] if "".join(pair) not in names]
    # First of all: Qwen2 cuts an escaped newline and the word behind it as one piece.
    merges.sort(key=lambda pair: pair != ("\\", "n"))
    return {token: index for index, token in enumerate(tokens)}, merges


def _cutting(pieces: str) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pieces), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )


def _texts(count: int, seed: int) -> Iterator[str]:
    rng = random.Random(f"vocabulary/{seed}")
    for problem in islice(problems("sft", seed), count):
        text = draw_dialogue(problem, rng)
        for token in SPECIAL + MARKS:
            text = text.replace(token, "\n")
        yield text
