"""Replies as different servers write them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from asking import MESSAGES, ask_once

from warpsmith.llm.base import Finish, ModelSpec, Usage
from warpsmith.llm.wire import Reply, completion_of, event_of, request_of

SPEC = ModelSpec(name="m", base_url="http://127.0.0.1:1/v1")
ASK = SPEC.ask(MESSAGES)
ESTIMATE = Usage(prompt=-(-ASK.chars // 4), completion=1, estimated=True)


def reply_of(*bodies: str) -> Reply:
    reply = Reply(ASK)
    for body in bodies:
        completion = completion_of(body)
        assert completion is not None, body
        reply.take(completion)
    return reply


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ('{"prompt_tokens": 10, "completion_tokens": 5}', Usage(prompt=10, completion=5)),
        (
            (
                '{"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 8}, "completion_tokens": 5'
                ', "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 0}}'
            ),
            Usage(prompt=10, cached=8, completion=5, reasoning=3),
        ),
        (
            '{"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 6}',
            Usage(prompt=10, cached=6, completion=5),
        ),
        (
            '{"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": null}',
            Usage(prompt=10, completion=5),
        ),
        ("null", ESTIMATE),
        ("{}", ESTIMATE),
    ],
)
def test_tokens_are_counted_as_each_server_says_them(usage: str, counted: Usage) -> None:
    reply = reply_of(f'{{"choices": [{{"message": {{"content": "text"}}}}], "usage": {usage}}}')
    assert reply.usage == counted


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("content_filter", "refused"),
    ],
)
def test_reasons_to_finish_are_put_into_our_words(reason: str, finish: Finish) -> None:
    assert reply_of(f'{{"choices": [{{"delta": {{}}, "finish_reason": "{reason}"}}]}}').finish == finish


def test_a_reply_is_put_together_from_its_pieces() -> None:
    reply = reply_of(
        '{"model": "served", "choices": [{"delta": {"role": "assistant", "content": null}}]}',
        '{"choices": [{"delta": {"content": "a"}}], "unheard_of": [1, {"x": 2}]}',
        '{"choices": []}',
        '{"choices": [{"delta": {"content": "b"}, "finish_reason": "stop"}]}',
        '{"choices": null, "usage": {"prompt_tokens": 1, "completion_tokens": 2}}',
    )
    assert (reply.text, reply.finish, reply.served, reply.usage.total) == ("ab", "stop", "served", 3)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_that_is_kept_apart_counts_and_is_no_text(field: str) -> None:
    reply = reply_of(f'{{"choices": [{{"message": {{"{field}": "thinking", "content": "done"}}}}]}}')
    assert (reply.text, reply.chars, reply.reasoned) == ("done", 12, True)
    assert reply.usage.reasoning == 2


def test_text_in_parts_is_joined() -> None:
    parts = '[{"type": "thinking", "thinking": []}, {"type": "text", "text": "a"}, {"text": "b"}]'
    assert reply_of(f'{{"choices": [{{"message": {{"content": {parts}}}}}]}}').text == "ab"


@pytest.mark.parametrize(
    "body", ["", "<html>", "[]", "1", '{"choices": 3}', '{"choices": [{"delta": 1}]}', "\xff"]
)
def test_what_is_no_completion_is_told_apart(body: str) -> None:
    assert completion_of(body) is None


def test_lines_of_a_stream_that_hold_no_data_are_skipped() -> None:
    lines = ["data: {}", "data:{}", ": keep-alive", "event: message", "id: 1", "", "data: [DONE]"]
    assert [event_of(line) for line in lines] == ["{}", "{}", None, None, None, None, "[DONE]"]


@pytest.mark.parametrize(
    ("base_url", "field"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://api.deepseek.com", "max_tokens"),
        ("http://127.0.0.1:8000/v1", "max_tokens"),
    ],
)
def test_the_limit_has_the_name_that_the_provider_knows(base_url: str, field: str) -> None:
    assert request_of(ASK, ModelSpec(name="m", base_url=base_url))[field] == ASK.max_tokens


BODIES = {
    "ignores that it should stream": (
        "application/json; charset=utf-8",
        b'{"choices": [{"message": {"content": "done"}, "finish_reason": "stop"}]}',
    ),
    "keeps the connection alive by comments, and ends without a mark": (
        "text/event-stream",
        (
            b": PROCESSING\n\n: PROCESSING\n\n"
            b'data: {"choices": [{"delta": {"content": "do"}}]}\r\n\r\n'
            b'event: x\ndata: {"choices": [{"delta": {"content": "ne"}, "finish_reason": "stop"}]}\n\n'
        ),
    ),
    "does not say that it streams": (
        "text/plain",
        b'data: {"choices": [{"delta": {"content": "done"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n',
    ),
}


@pytest.fixture
def odd_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Serve one of `BODIES` to whoever asks; give the address."""
    kind, body = BODIES[request.param]

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            """Stay quiet."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("odd_server", BODIES, indirect=True)
def test_servers_that_read_the_protocol_freely_are_understood(odd_server: str) -> None:
    answer = ask_once(ModelSpec(name="m", base_url=odd_server, retries=0))
    assert (answer.text, answer.finish) == ("done", "stop")
    assert answer.usage.estimated
