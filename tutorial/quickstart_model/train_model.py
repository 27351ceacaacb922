"""Makes the quickstart model from nothing: its tokenizer, its weights, and the measure of what it does."""

import argparse
import json
import math
import os
import shutil
import tempfile
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy
from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

from corpus import Corpus, make_corpus
from evaluate import measure
from problems import HERE, distinct_problems
from vocabulary import make_tokenizer, write_tokenizer


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train the quickstart model from scratch and measure it. The model folder is replaced whole, at the end.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=HERE / "model", metavar="FOLDER", help="the model's folder")
    parser.add_argument("--seed", type=int, default=7, help="seed of the tokenizer, the dialogues, the weights and the order")
    parser.add_argument("--device", default="auto", help="auto (a GPU where there is one), cpu, cuda or cuda:N")
    parser.add_argument("--dialogues", type=int, default=300_000, metavar="N", help="different dialogues to learn from")
    parser.add_argument("--steps", type=int, default=3500, metavar="N", help="optimiser steps")
    parser.add_argument("--batch", type=int, default=384, metavar="N", help="dialogues in a step")
    parser.add_argument("--rate", type=float, default=3e-3, metavar="X", help="highest learning rate")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="processes that make dialogues")
    parser.add_argument("--episodes", type=int, default=500, metavar="N", help="held-out episodes to measure, of each kind")
    parser.add_argument("--eval-only", action="store_true", help="measure the model in --out and change nothing")
    return parser.parse_args()


def read_tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def read_model(folder: Path) -> Qwen2ForCausalLM:
    return Qwen2ForCausalLM.from_pretrained(folder, dtype=torch.float32)


def make_config(tokenizer: Tokenizer) -> Qwen2Config:
    return Qwen2Config(
        architectures=["Qwen2ForCausalLM"],
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=64,
        max_position_embeddings=1024,
        max_window_layers=4,
        use_sliding_window=False,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.token_to_id("<|im_end|>"),
        pad_token_id=tokenizer.token_to_id("<|endoftext|>"),
        dtype="float32",
    )


def train(model: Qwen2ForCausalLM, corpus: Corpus, arguments: argparse.Namespace) -> int:
    """Trains in place and returns the number of tokens read."""
    device, steps = model.device, arguments.steps
    ids, said, starts, lengths = (
        torch.from_numpy(array).to(device)
        for array in (corpus.ids.astype("int16"), corpus.said, corpus.starts, corpus.lengths)
    )
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    plain = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=arguments.rate, betas=(0.9, 0.98), fused=True)
    warm = max(1, min(300, steps // 10))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * min(1, step / steps)))
    )
    read, started = 0, time.perf_counter()
    model.train()
    for step, numbers in zip(range(1, steps + 1), corpus.batches(arguments.batch, arguments.seed)):
        rows = torch.from_numpy(numbers).to(device)
        width = int(corpus.lengths[numbers].max())
        read += int(corpus.lengths[numbers].sum())
        columns = torch.arange(width, device=device)
        places = (starts[rows, None] + columns).clamp(max=len(ids) - 1)
        inside = columns < lengths[rows, None]
        tokens = ids[places].long() * inside
        learnt = (said[places] & inside)[:, 1:]
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            hidden = model.model(input_ids=tokens[:, :-1], use_cache=False).last_hidden_state
            logits = model.lm_head(hidden[learnt])
        loss = cross_entropy(logits.float(), tokens[:, 1:][learnt])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        schedule.step()
        if step % max(1, steps // 40) == 0 or step == 1:
            seconds = time.perf_counter() - started
            print(f"step {step}/{steps}  loss {loss.item():.4f}  {read / seconds:,.0f} tokens/s  {seconds:.0f} s", flush=True)
    return read


def measure_all(model: Qwen2ForCausalLM, tokenizer: Tokenizer, episodes: int) -> dict:
    """The rates at temperature 1 and greedily, on held-out problems."""
    problems = distinct_problems("heldout", episodes, 7)
    rates = {"sampled": measure(model, tokenizer, problems, 1.0), "greedy": measure(model, tokenizer, problems, 0.0)}
    print(json.dumps(rates, indent=2), flush=True)
    return rates


def replace_folder(folder: Path, target: Path) -> None:
    """Puts `folder` in the place of `target`, which is gone only once `folder` is there."""
    old = folder.with_name(folder.name + ".old")
    if target.exists():
        target.rename(old)
    folder.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def make_model(arguments: argparse.Namespace, device: torch.device) -> None:
    started = time.perf_counter()
    tokenizer = make_tokenizer(arguments.seed)
    print(f"tokenizer: {tokenizer.get_vocab_size()} tokens", flush=True)
    corpus = make_corpus(tokenizer, arguments.dialogues, arguments.seed, arguments.processes)
    print(
        f"{arguments.dialogues:,} dialogues: {corpus.lengths.mean():.0f} tokens each, {corpus.said.mean():.0%} said by the model, "
        f"{time.perf_counter() - started:.0f} s so far",
        flush=True,
    )
    torch.manual_seed(arguments.seed)
    model = Qwen2ForCausalLM(make_config(tokenizer)).to(device)
    print(f"{sum(parameter.numel() for parameter in model.parameters()):,} parameters on {device}", flush=True)
    tokens = train(model, corpus, arguments)
    with torch.no_grad():  # rounded, so that an engine that serves bfloat16 has exactly these weights
        for parameter in model.parameters():
            parameter.copy_(parameter.bfloat16())
    seconds = time.perf_counter() - started
    result = {
        "seed": arguments.seed,
        "dialogues": arguments.dialogues,
        "steps": arguments.steps,
        "batch": arguments.batch,
        "tokens": tokens,
        "seconds": round(seconds),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "rates": measure_all(model, tokenizer, arguments.episodes),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{arguments.out.name}-", dir=arguments.out.parent))
    folder.chmod(0o755)
    write_tokenizer(tokenizer, folder)
    model.generation_config = GenerationConfig(
        do_sample=True, temperature=1.0, eos_token_id=model.config.eos_token_id, pad_token_id=model.config.pad_token_id
    )
    model.save_pretrained(folder)
    (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    replace_folder(folder, arguments.out)
    print(f"wrote {arguments.out}")


def main() -> None:
    arguments = read_arguments()
    device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if arguments.device == "auto" else arguments.device)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if arguments.eval_only:
        measure_all(read_model(arguments.out).to(device), read_tokenizer(arguments.out), arguments.episodes)
    else:
        make_model(arguments, device)


if __name__ == "__main__":
    main()
