"""The embedded engine over a real socket: exact log-probabilities, versions, seeds, errors, and one request at a time."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import aiohttp
import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

sys.path.insert(0, str(Path(__file__).parents[2] / "actors" / "learner" / "kernel"))

from serve import EngineServer  # noqa: E402
from serve.sampling import RowSettings, SamplingParams, draw  # noqa: E402

torch.set_num_threads(1)


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=1000,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=512,
        tie_word_embeddings=True,
    )
    model = Qwen2ForCausalLM(config).eval()
    for parameter in model.parameters():  # spread the logits: a fresh model is almost uniform
        parameter.data.mul_(3 if parameter.ndim > 1 else 1)
    return model


class Served:
    """A running engine and the calls of a test."""

    def __init__(self, model, folder: Path, deterministic: bool = False, lock=None):
        self.model = model
        self.lock = lock or threading.RLock()
        self.server = EngineServer(lambda: model, [], "cpu", self.lock, deterministic, max_batch=16)
        self.socket = str(folder / "engine.sock")
        self.server.start(self.socket)

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_) -> None:
        self.server.close()

    def run(self, work):
        async def inside():
            async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(self.socket, limit=0)) as session:
                self.session = session
                return await work()

        return asyncio.run(inside())

    async def post(self, path: str, body: dict | None = None) -> tuple[int, dict]:
        async with self.session.post(f"http://engine{path}", json=body) as reply:
            return reply.status, await reply.json()

    async def generate(self, prompt: list[int], **settings) -> dict:
        asked = {"logprobs": 0, "return_token_ids": True, "return_weight_versions": True, "max_tokens": 12, **settings}
        status, body = await self.post("/v1/completions", {"prompt": prompt, **asked})
        assert status == 200, body
        return body["choices"][0]

    def exact(self, prompt: list[int], tokens: list[int], temperature: float = 1.0) -> torch.Tensor:
        with torch.no_grad():
            logits = self.model(torch.tensor([prompt + tokens])).logits[0, len(prompt) - 1 : -1]
        scores = torch.log_softmax(logits / (temperature or 1.0), dim=-1)
        return scores.gather(1, torch.tensor(tokens)[:, None])[:, 0]

    def expect_exact(self, prompt: list[int], choice: dict, temperature: float = 1.0) -> None:
        got = torch.tensor(choice["logprobs"]["token_logprobs"])
        torch.testing.assert_close(got, self.exact(prompt, choice["token_ids"], temperature), atol=1e-4, rtol=0)


def prompts(count: int) -> list[list[int]]:
    generator = torch.Generator().manual_seed(3)
    return [torch.randint(0, 1000, (1 + 11 * i,), generator=generator).tolist() for i in range(count)]


def test_mixed_lengths_temperatures_and_repeats_are_exact(model, tmp_path):
    with Served(model, tmp_path) as served:
        asked = [(p, t, 4 + i) for i, p in enumerate(prompts(10)) for t in (0.0, 0.7, 1.0)]

        async def work():
            for _ in range(2):  # the second round starts from remembered prefixes
                jobs = [served.generate(p, temperature=t, max_tokens=n, seed=n) for p, t, n in asked]
                for (prompt, temperature, _), choice in zip(asked, await asyncio.gather(*jobs)):
                    served.expect_exact(prompt, choice, temperature)

        served.run(work)


def test_a_longer_conversation_starts_from_the_shorter_one_and_stays_exact(model, tmp_path):
    with Served(model, tmp_path) as served:

        async def work():
            prompt = prompts(5)[4]
            for _ in range(4):
                choice = await served.generate(prompt, seed=1)
                served.expect_exact(prompt, choice)
                prompt = prompt + choice["token_ids"] + [7, 8, 9]

        served.run(work)
        assert served.server._scheduler._generator._prefixes.hit_tokens > 0


class LockBeforePass:
    """The weights lock; the engine's thread calls `change` under it right before its pass number `at`."""

    def __init__(self, at: int, change):
        self._lock = threading.RLock()
        self._left = at
        self._change = change

    def __enter__(self):
        self._lock.acquire()
        self._left -= 1
        if self._left == 0:
            self._change()

    def __exit__(self, *_) -> None:
        self._lock.release()


def test_weights_that_change_under_a_generation_change_its_numbers_and_versions(model, tmp_path):
    def change():
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.01 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(5)))
        served.server.set_weight_version(3)

    prompt = prompts(4)[3]
    with Served(model, tmp_path, lock=LockBeforePass(7, change)) as served:
        choice = served.run(lambda: served.generate(prompt, max_tokens=60, seed=2))
        first, last = choice["weight_versions"]
        assert (first["version"], last["version"]) == ("0", "3")
        cut = last["start"]
        assert cut == 5  # one pass for the prompt, then one for each token
        got = torch.tensor(choice["logprobs"]["token_logprobs"])
        exact = served.exact(prompt, choice["token_ids"])
        torch.testing.assert_close(got[cut:], exact[cut:], atol=1e-4, rtol=0)
        assert (got[:cut] - exact[:cut]).abs().max() > 1e-3


def test_an_optimizer_step_drops_what_old_weights_computed_even_without_a_new_version(model, tmp_path):
    with Served(model, tmp_path) as served:
        prompt = prompts(6)[5]

        async def work():
            await served.generate(prompt)
            with served.lock, torch.no_grad():
                torch._foreach_mul_(list(model.parameters()), 1.1)
            served.expect_exact(prompt, await served.generate(prompt))

        served.run(work)


def test_deterministic_replies_do_not_depend_on_what_else_is_asked(model, tmp_path):
    with Served(model, tmp_path, deterministic=True) as served:
        rows = prompts(6)

        async def together():
            return await asyncio.gather(*[served.generate(p, temperature=1.3) for p in rows])

        async def alone():
            return [await served.generate(p, temperature=1.3) for p in reversed(rows)][::-1]

        assert served.run(together) == served.run(alone)


def test_bad_requests_are_refused_in_openai_form_and_harm_nobody(model, tmp_path):
    with Served(model, tmp_path) as served:
        bad = [
            {"prompt": "text"},
            {"prompt": []},
            {"prompt": [1000]},
            {"prompt": [1], "max_tokens": 0},
            {"prompt": [1], "max_tokens": 600},
            {"prompt": [1], "temperature": -1},
            {"prompt": [1], "top_p": 0},
            {"prompt": [1], "stream": True},
        ]

        async def work():
            for body in bad:
                status, reply = await served.post("/v1/completions", body)
                assert status == 400 and reply["error"]["type"] == "BadRequestError", (body, reply)
            assert (await served.post("/v1/nonsense"))[0] == 404
            await served.generate([1])

        served.run(work)


def test_weights_that_are_not_finite_fail_the_request_and_not_the_engine(model, tmp_path):
    with Served(model, tmp_path) as served:

        async def work():
            kept = model.model.norm.weight.detach().clone()
            with torch.no_grad():
                model.model.norm.weight.fill_(float("nan"))
            status, reply = await served.post("/v1/completions", {"prompt": [1, 2]})
            assert status == 500 and "not finite" in reply["error"]["message"]
            with torch.no_grad():
                model.model.norm.weight.copy_(kept)
            served.expect_exact([1, 2], await served.generate([1, 2]))

        served.run(work)


@pytest.mark.parametrize("mode", ["keep", "wait", "abort"])
def test_pause_modes(model, tmp_path, mode):
    with Served(model, tmp_path) as served:

        async def work():
            running = asyncio.create_task(served.generate([1, 2, 3], max_tokens=200, seed=4))
            while served.server._scheduler.running() == 0:
                await asyncio.sleep(0.001)
            assert (await served.post(f"/pause?mode={mode}"))[0] == 200
            late = asyncio.create_task(served.post("/v1/completions", {"prompt": [5]}))
            if mode == "keep":
                assert not running.done()
                assert served.server._scheduler.paused
            else:
                choice = await running
                assert choice["finish_reason"] == ("length" if mode == "wait" else "abort")
                assert (await late)[0] == 503
            await served.post("/resume")
            if mode == "keep":
                assert (await late)[0] == 200
            served.expect_exact([1, 2, 3], await running)

        served.run(work)


def test_draw_follows_the_distribution_and_its_filters():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
    rows = 4000
    uniforms = torch.rand(rows, generator=torch.Generator().manual_seed(0), dtype=torch.float64).tolist()

    def shares(**settings) -> tuple[list[float], dict[int, float]]:
        params = SamplingParams(max_tokens=1, **settings)
        tokens, logprobs = draw(logits.expand(rows, 4), RowSettings([params] * rows, torch.device("cpu")), uniforms)
        return [tokens.count(i) / rows for i in range(4)], dict(zip(tokens, logprobs))

    free, _ = shares()
    assert free == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.02)
    two, logprobs = shares(top_k=2)
    assert two == pytest.approx([0.625, 0.375, 0, 0], abs=0.02)
    assert logprobs[0] == pytest.approx(torch.tensor(0.625).log().item(), abs=1e-5)
    three, _ = shares(top_p=0.9)
    assert three[3] == 0 and three[2] > 0
    greedy, logprobs = shares(temperature=0.0)
    assert greedy == [1, 0, 0, 0] and logprobs[0] == pytest.approx(torch.tensor(0.5).log().item(), abs=1e-5)
