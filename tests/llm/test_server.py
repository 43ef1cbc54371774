"""The scripted server itself: what tests, and people without a provider, rely on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from warpsmith.testing.llm_script import DEFAULT_REPLY, Fault, LlmScript
from warpsmith.testing.llm_server import LlmServer


def post(base_url: str, **fields: Any) -> Any:
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}]} | fields
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{base_url}/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer k"},
    )
    with opener().open(request, timeout=20) as reply:
        return json.load(reply)


def opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def text_of(base_url: str, **fields: Any) -> str:
    return str(post(base_url, **fields)["choices"][0]["message"]["content"])


def test_scripted_replies_come_in_order_and_the_last_one_again() -> None:
    with LlmServer(["a", "b"]) as server:
        assert [text_of(server.base_url) for _ in range(4)] == ["a", "b", "b", "b"]
        assert server.count == 4


def test_a_script_sees_the_request() -> None:
    with LlmServer(lambda body, number: f"{number}: {body['messages'][0]['content'].upper()}") as server:
        assert [text_of(server.base_url) for _ in range(2)] == ["0: HELLO", "1: HELLO"]


def test_random_replies_and_delays_depend_on_the_seed_alone() -> None:
    def texts(seed: int) -> list[str]:
        script = LlmScript(replies=["a", "b", "c"], shuffle=True, seed=seed)
        with LlmServer(script) as server:
            return [text_of(server.base_url) for _ in range(12)]

    assert texts(1) == texts(1)
    assert texts(1) != texts(2)
    assert set(texts(1)) == {"a", "b", "c"}


def test_slow_replies_are_slow() -> None:
    with LlmServer(LlmScript(delays_s=(0.3, 0.4))) as server:
        start = time.monotonic()
        post(server.base_url)
        assert time.monotonic() - start >= 0.3


def test_closing_does_not_wait_for_a_reply_that_hangs() -> None:
    with LlmServer(LlmScript(every=Fault(kind="hangs"))) as server:
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{server.base_url}/chat/completions", b"{}", {"Content-Type": "application/json"}
        )
        with pytest.raises(TimeoutError):
            opener().open(request, timeout=0.2)
        start = time.monotonic()
    assert time.monotonic() - start < 5


def test_errors_have_the_statuses_and_headers_of_providers() -> None:
    fault = Fault(kind="rate_limited", retry_after_s=2)
    with LlmServer(LlmScript(every=fault)) as server, pytest.raises(urllib.error.HTTPError) as caught:
        post(server.base_url)
    with caught.value as error:
        assert (error.code, error.headers["Retry-After"]) == (429, "2")
        assert json.load(error)["error"]["code"] == "rate_limit_exceeded"


def test_only_its_key_and_its_models_are_taken() -> None:
    def status(**script: Any) -> int:
        with LlmServer(LlmScript(**script)) as server:
            try:
                post(server.base_url)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code
        return 200

    assert status(key="k", models=("m",)) == 200
    assert status(key="other") == 401
    assert status(models=("other",)) == 404


def test_models_are_listed() -> None:
    with LlmServer(LlmScript(models=("a", "b"))) as server:
        reply = opener().open(f"{server.base_url}/models", timeout=20)
        with reply:
            names = [model["id"] for model in json.load(reply)["data"]]
    assert names == ["a", "b"]


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """Run the module as a program; yield its address."""
    command = [sys.executable, "-m", "warpsmith.testing.llm_server", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        with process.stdout:
            yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    (tmp_path / "reply").write_text("from a file", encoding="utf-8")
    with served("--reply", str(tmp_path / "reply"), "--fault", "1=server_error") as base_url:
        assert text_of(base_url) == "from a file"
        with pytest.raises(urllib.error.HTTPError) as caught:
            post(base_url)
        caught.value.close()
    with served() as base_url:
        assert text_of(base_url) == DEFAULT_REPLY


def test_a_fault_nobody_knows_is_a_usage_error() -> None:
    command = [sys.executable, "-m", "warpsmith.testing.llm_server", "--fault", "3=tired"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "rate_limited" in answer.stderr
