"""Jobs for the engine tests, one JSON object a line: exact log-probabilities, or a model with other weights."""

import json
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM


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


def perturb(job: dict) -> None:
    generator = torch.Generator().manual_seed(1)
    path = "/model.safetensors"
    weights = load_file(job["model"] + path)
    for name, tensor in sorted(weights.items()):
        noise = torch.randn(tensor.shape, generator=generator) * 0.02
        weights[name] = (tensor.float() + noise).to(tensor.dtype).contiguous()
    save_file(weights, job["dir"] + path, metadata={"format": "pt"})


if __name__ == "__main__":
    jobs = {"logprobs": logprobs, "perturb": perturb}
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"result": jobs[request["job"]](request)}), flush=True)
