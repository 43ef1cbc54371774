"""A language model that is none: chat completions over real HTTP on loopback, scripted, slow or broken.

    with LlmServer(["first reply", "second reply"]) as server:
        ModelSpec(name="scripted", base_url=server.base_url)

`python -m warpsmith.testing.llm_server --port 8000 --delay 2 30` serves the same to other programs. Knows
the protocol alone; what it says stands in an `LlmScript`.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self, get_args

import msgspec

from warpsmith.testing.llm_script import DEFAULT_REPLY, STATUSES, Fault, FaultKind, LlmScript, Request, Writer

PIECE_CHARS = 40
# How often a reply that waits looks whether the server is being closed.
LOOK_S = 0.05
# `endless` ends there, so that a client that never cuts does not hang its test.
ENDLESS_CHARS = 20_000_000


class LlmServer:
    """Serves `/v1/chat/completions` and `/v1/models` from a thread; use it as a context manager.

    Args:
        script: what to say; or the replies alone.
        port: 0 chooses a free one.
    """

    def __init__(
        self, script: LlmScript | Sequence[str] | Writer = (DEFAULT_REPLY,), *, port: int = 0
    ) -> None:
        self.script = script if isinstance(script, LlmScript) else LlmScript(replies=script)
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self.most_at_once = 0
        self._lock = threading.Lock()
        self._now = 0
        self._http = _Http(("127.0.0.1", port), self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(LOOK_S,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and break off what is being answered."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        """What clients call it."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def count(self) -> int:
        """Requests received, broken ones included."""
        return len(self.requests)

    def received(self, body: dict[str, Any], key: str) -> Request:
        """Note a request and return it."""
        with self._lock:
            request = Request(number=self.count, body=body, key=key, at_s=time.monotonic())
            self.requests.append(request)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            return request

    def usage_of(self, request: Request, text: str) -> dict[str, Any]:
        """Count the tokens of a reply."""
        return self.script.usage_of(request, self.requests[: request.number], text)

    def answered(self) -> None:
        """Note that a request is done with."""
        with self._lock:
            self._now -= 1


class _Http(ThreadingHTTPServer):
    """Carries the server to its handlers."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: LlmServer) -> None:
        self.owner = owner
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up; anything else is a defect of this server."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: _Http

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Stay quiet."""

    def do_GET(self) -> None:
        """List the models."""
        names = self.server.owner.script.models or ("scripted",)
        models = [{"id": name, "object": "model", "owned_by": "warpsmith"} for name in names]
        self._send(200, {"object": "list", "data": models})

    def do_POST(self) -> None:
        """Answer a chat completion."""
        owner = self.server.owner
        length = int(self.headers.get("Content-Length") or 0)
        try:
            body = json.loads(self.rfile.read(length))
        except ValueError:
            return self._send(400, _error(400, "invalid_json", "The body is not JSON."))
        if not self.path.endswith("/chat/completions"):
            return self._send(404, {"detail": "Not Found"})
        request = owner.received(body, self.headers.get("Authorization", "").removeprefix("Bearer "))
        try:
            self._answer(request, owner.script.fault_of(request))
        finally:
            owner.answered()
        return None

    def _answer(self, request: Request, fault: Fault | None) -> None:
        script = self.server.owner.script
        self._wait(script.delay_s(request))
        kind = fault.kind if fault else ""
        if fault and (kind in STATUSES or fault.status):
            self._send_error(request, fault)
        elif kind == "hangs":
            self._wait(float("inf"))
        elif kind == "not_json":
            self._send_bytes(200, b"<html>Bad gateway</html>", "application/json")
        elif kind == "no_completion":
            self._send_bytes(200, b"<html>Sign in</html>", "text/html")
        elif kind == "error_inside":
            self._send_inside(request)
        else:
            finish = {"refused": "content_filter", "endless": "length"}.get(kind, "stop")
            text = "" if kind in {"empty", "refused"} else script.reply_to(request)
            send = self._stream if request.body.get("stream") else self._whole
            send(request, text, finish, kind)

    def _whole(self, request: Request, text: str, finish: str, kind: str) -> None:
        if kind == "endless":
            text = (text or ".") * (ENDLESS_CHARS // 20 // len(text or "."))
        choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}
        body = _completion(request, "chat.completion", [choice])
        if self.server.owner.script.usage:
            body["usage"] = self.server.owner.usage_of(request, text)
        data = json.dumps(body).encode()
        if kind not in {"dies", "stalls"}:
            return self._send_bytes(200, data, "application/json")
        self._begin(200, "application/json", length=len(data))
        self.wfile.write(data[: len(data) // 2])
        return self._break_off(kind)

    def _stream(self, request: Request, text: str, finish: str, kind: str) -> None:
        owner = self.server.owner
        self._begin(200, "text/event-stream")
        pieces = [text[start : start + PIECE_CHARS] for start in range(0, len(text), PIECE_CHARS)]
        if kind in {"dies", "stalls"}:
            pieces = pieces[: max(1, len(pieces) // 2)]
        if kind == "endless":
            pieces *= ENDLESS_CHARS // max(1, len(text))
        for number, piece in enumerate(pieces):
            if number:
                self._wait(owner.script.piece_s)
            choice = {"index": 0, "delta": {"content": piece}, "finish_reason": None}
            self._event(_completion(request, "chat.completion.chunk", [choice]))
        if kind in {"dies", "stalls"}:
            return self._break_off(kind)
        last = {"index": 0, "delta": {}, "finish_reason": finish}
        self._event(_completion(request, "chat.completion.chunk", [last]))
        if owner.script.usage and (request.body.get("stream_options") or {}).get("include_usage"):
            usage = owner.usage_of(request, text)
            self._event(_completion(request, "chat.completion.chunk", []) | {"usage": usage})
        self._chunk(b"data: [DONE]\n\n")
        return self._chunk(b"")

    def _break_off(self, kind: str) -> None:
        self.wfile.flush()
        if kind == "stalls":
            self._wait(float("inf"))
        self.close_connection = True

    def _send_error(self, request: Request, fault: Fault) -> None:
        status, code, message = STATUSES.get(fault.kind, (500, "server_error", "Something went wrong."))
        said = message.format(key=request.key, model=request.body.get("model"))
        headers = {} if fault.retry_after_s is None else {"Retry-After": f"{fault.retry_after_s:g}"}
        self._send(fault.status or status, _error(fault.status or status, code, said), headers)

    def _send_inside(self, request: Request) -> None:
        error = {"error": {"code": 502, "message": f"Upstream failed. Key was {request.key}."}}
        if not request.body.get("stream"):
            return self._send(200, error)
        self._begin(200, "text/event-stream")
        self._event(error)
        return self._chunk(b"")

    def _send(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        self._send_bytes(status, json.dumps(body).encode(), "application/json", headers)

    def _send_bytes(
        self, status: int, data: bytes, kind: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self._begin(status, kind, length=len(data), headers=headers)
        self.wfile.write(data)

    def _begin(
        self, status: int, kind: str, *, length: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        size = ("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length))
        self.send_header(*size)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def _event(self, body: Any) -> None:
        self._chunk(b"data: " + json.dumps(body).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _wait(self, seconds: float) -> None:
        """Wait, but not beyond the server's life or the client's."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self.server.owner.closing.wait(min(LOOK_S, left)):
            pass


def _completion(request: Request, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    model = request.body.get("model")
    return {
        "id": f"scripted-{request.number}",
        "object": kind,
        "created": 0,
        "model": model,
        "choices": choices,
    }


def _error(status: int, code: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "error", "code": code, "status": status}}


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted; the first line on stdout is the address."""
    parser = argparse.ArgumentParser(prog="python -m warpsmith.testing.llm_server", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument("--reply", type=Path, action="append", default=[], help="a file; in order given")
    parser.add_argument("--shuffle", action="store_true", help="draw replies at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--delay", type=float, nargs=2, default=(0.0, 0.0), metavar=("LOW", "HIGH"))
    parser.add_argument("--piece", type=float, default=0.0, help="seconds between pieces of a stream")
    parser.add_argument("--fault", action="append", default=[], metavar="NUMBER=KIND", help="or every=KIND")
    parser.add_argument("--model", action="append", default=[], help="a name that exists; any, if none")
    parser.add_argument("--key", default="", help="the only key accepted, for tests alone")
    given = parser.parse_args(arguments)
    faults, every = _faults(parser, given.fault)
    replies = [path.read_text(encoding="utf-8") for path in given.reply] or [DEFAULT_REPLY]
    script = LlmScript(
        replies=replies,
        shuffle=given.shuffle,
        seed=given.seed,
        delays_s=tuple(given.delay),
        piece_s=given.piece,
        faults=faults,
        every=every,
        models=tuple(given.model),
        key=given.key,
    )
    with LlmServer(script, port=given.port) as server:
        print(server.base_url, flush=True)  # noqa: T201 - a program's output
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


def _faults(parser: argparse.ArgumentParser, words: Sequence[str]) -> tuple[dict[int, Fault], Fault | None]:
    faults: dict[int, Fault] = {}
    every = None
    for word in words:
        where, _, kind = word.partition("=")
        if kind not in get_args(FaultKind) or not (where == "every" or where.isdigit()):
            parser.error(f"--fault {word!r} is not NUMBER=KIND; kinds: {', '.join(get_args(FaultKind))}")
        fault = msgspec.convert({"kind": kind}, Fault)
        if where == "every":
            every = fault
        else:
            faults[int(where)] = fault
    return faults, every


if __name__ == "__main__":
    main()
