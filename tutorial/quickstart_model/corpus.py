"""The training set: many dialogues as token ids, each with the mask of what the model itself says."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context

import numpy as np
from tokenizers import Tokenizer

from dialogues import draw_dialogue
from problems import problems

_CHUNK = 4000
_worker_tokenizer: Tokenizer | None = None


@dataclass(frozen=True)
class Corpus:
    """Dialogues laid end to end: dialogue i is `ids[starts[i] : starts[i] + lengths[i]]`; `said` marks what is learnt."""

    ids: np.ndarray
    said: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    def batches(self, size: int, seed: int) -> Iterator[np.ndarray]:
        """An endless stream of `size` dialogue numbers each, of similar length, every dialogue at most once an epoch."""
        rng = np.random.default_rng(seed)
        while True:
            order = rng.permutation(len(self.lengths))
            for window in np.array_split(order, max(1, len(order) // (32 * size))):
                by_length = window[np.argsort(self.lengths[window], kind="stable")]
                whole = len(by_length) // size * size
                groups = by_length[:whole].reshape(-1, size)
                yield from groups[rng.permutation(len(groups))]


def make_corpus(tokenizer: Tokenizer, dialogues: int, seed: int, processes: int) -> Corpus:
    """`dialogues` fresh episodes. The result depends on the seed, not on the number of processes."""
    chunks = [(seed, number, min(_CHUNK, dialogues - start)) for number, start in enumerate(range(0, dialogues, _CHUNK))]
    with get_context("spawn").Pool(processes, _start_worker, (tokenizer.to_str(),)) as pool:
        parts = pool.map(_encode_chunk, chunks, chunksize=1)
    ids = np.concatenate([part[0] for part in parts])
    lengths = np.concatenate([part[1] for part in parts])
    return Corpus(ids, said_by_assistant(ids, tokenizer), np.cumsum(lengths) - lengths, lengths)


def said_by_assistant(ids: np.ndarray, tokenizer: Tokenizer) -> np.ndarray:
    """True for the tokens of assistant messages, their `<|im_end|>` included."""
    start, assistant, newline = tokenizer.encode("<|im_start|>assistant\n").ids
    heads = np.flatnonzero((ids[:-2] == start) & (ids[1:-1] == assistant) & (ids[2:] == newline)) + 3
    ends = np.flatnonzero(ids == tokenizer.token_to_id("<|im_end|>"))
    tails = ends[np.searchsorted(ends, heads)] + 1
    steps = np.zeros(len(ids) + 1, dtype=np.int8)
    np.add.at(steps, heads, 1)
    np.add.at(steps, tails, -1)
    return np.cumsum(steps[:-1], dtype=np.int8).astype(bool)


def _start_worker(tokenizer: str) -> None:
    global _worker_tokenizer
    _worker_tokenizer = Tokenizer.from_str(tokenizer)


def _encode_chunk(chunk: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    seed, number, count = chunk
    rng = random.Random(f"dialogues/{seed}/{number}")
    source = islice(problems("sft", rng.getrandbits(62)), count)
    encoded = [_worker_tokenizer.encode(draw_dialogue(problem, rng)).ids for problem in source]
    return np.concatenate([np.array(ids, dtype=np.uint16) for ids in encoded]), np.array([len(ids) for ids in encoded])
