"""Jobs for the engine tests, one JSON object a line: exact log-probabilities, or a model of another kind or weights."""

import json
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM


def logprobs(job: dict) -> list[list[float]]:
    model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=torch.float32).eval()
    rows = []
    for sampled in job["sampled"]:
        prompt, tokens = sampled["promptIds"], sampled["tokenIds"]
        with torch.no_grad():
            logits = model(torch.tensor([prompt + tokens])).logits[0, len(prompt) - 1 : -1].double()
        scores = torch.log_softmax(logits / (sampled["temperature"] or 1.0), dim=-1)
        rows.append(scores.gather(1, torch.tensor(tokens)[:, None])[:, 0].tolist())
    return rows


def llama(job: dict) -> None:
    """A small random Llama with tied embeddings, for the tokenizer of the quickstart's model."""
    torch.manual_seed(2)
    shape = {"vocab_size": 1024, "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 1024}
    ends = {"bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": True, "initializer_range": 0.1}
    LlamaForCausalLM(LlamaConfig(**shape, **heads, **ends)).save_pretrained(job["dir"])


def perturb(job: dict) -> None:
    generator = torch.Generator().manual_seed(1)
    path = "/model.safetensors"
    weights = load_file(job["model"] + path)
    for name, tensor in sorted(weights.items()):
        noise = torch.randn(tensor.shape, generator=generator) * 0.02
        weights[name] = (tensor.float() + noise).to(tensor.dtype).contiguous()
    save_file(weights, job["dir"] + path, metadata={"format": "pt"})


if __name__ == "__main__":
    jobs = {"logprobs": logprobs, "perturb": perturb, "llama": llama}
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"result": jobs[request["job"]](request)}), flush=True)
