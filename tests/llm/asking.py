"""What tests of models share: a spec without patience, and one way of running a coroutine."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import msgspec

from warpsmith.llm.base import Answer, Ask, Message, ModelSpec
from warpsmith.llm.client import Client
from warpsmith.llm.errors import ModelError
from warpsmith.testing.llm_server import LlmServer

T = TypeVar("T")
KEY = "sk-very-secret-0123456789"
KEY_ENV = "WARPSMITH_TEST_KEY"
ENVIRON: Mapping[str, str] = {KEY_ENV: KEY}
MESSAGES = (
    Message(role="system", content="Answer with code."),
    Message(role="user", content="Twice the input, please."),
)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def spec_of(server: LlmServer, **changes: Any) -> ModelSpec:
    spec = ModelSpec(
        name="scripted",
        base_url=server.base_url,
        key_env=KEY_ENV,
        timeout_s=20.0,
        stall_s=5.0,
        backoff_s=0.01,
        retries=2,
        max_tokens=1000,
    )
    return msgspec.structs.replace(spec, **changes)


def ask_once(spec: ModelSpec, ask: Ask | None = None) -> Answer:
    async def go() -> Answer:
        async with Client([spec], ENVIRON) as client:
            return await client.ask(ask or spec.ask(MESSAGES))

    return run(go())


def error_of(spec: ModelSpec) -> ModelError:
    try:
        answer = ask_once(spec)
    except ModelError as error:
        return error
    raise AssertionError(f"an answer came: {answer}")
