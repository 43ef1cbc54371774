"""Messages and descriptors over a real socket: what arrives whole, what is refused, who waits how long."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import open_descriptors

from warpsmith.core.errors import RecordError
from warpsmith.worker.steps import ArenaHandle, Attach, Done, Failed, Run, ScalarLeaf, StepReply
from warpsmith.worker.wire import (
    HEADER_BYTES,
    MAX_DESCRIPTORS,
    MAX_FRAME_BYTES,
    Channel,
    ChannelClosed,
    DeadlinePassed,
)

FAILED = Failed(check="import", message="it does not")


class Line:
    """Two ends of a stream: a channel, and a plain socket that can say anything."""

    def __init__(self) -> None:
        ours, self.raw = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.channel = Channel(ours)

    def say(self, body: bytes) -> None:
        """Send one frame."""
        self.raw.sendall(len(body).to_bytes(HEADER_BYTES, "big") + body)

    def close(self) -> None:
        self.channel.close()
        self.raw.close()


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.close()


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    pair = Channel.pair()
    yield pair
    for end in pair:
        end.close()


def soon() -> float:
    return time.monotonic() + 0.05


def test_messages_arrive_in_order_and_whole(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    said = [Failed(check="import", message=text) for text in ("", "one", "ä" * 5000)]
    for message in said:
        ours.send(message)
    assert [theirs.receive(StepReply) for _ in said] == said


@settings(deadline=None, derandomize=True)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(), st.integers())
def test_any_text_and_any_number_survives(text: str, seed: int, stated_ns: int) -> None:
    ours, theirs = Channel.pair()
    tree = ScalarLeaf(kind="str", text=text)
    steps = [
        Run(inputs=tree, seed=seed, timer="wall", start_bytes=0),
        Done(outputs=tree, stated_ns=stated_ns),
    ]
    for step in steps:
        ours.send(step)
    assert theirs.receive(Run) == steps[0]
    assert theirs.receive(StepReply) == steps[1]
    ours.close()
    theirs.close()


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=64))
def test_bytes_that_are_no_message_are_no_record(body: bytes) -> None:
    line = Line()
    line.say(body)
    with pytest.raises(RecordError):
        line.channel.receive(StepReply)
    line.close()


NO_ANSWERS = {
    "empty": b"",
    "no JSON": b"{",
    "no object": b"5",
    "no tag": b'{"check": "a", "message": "b"}',
    "another tag": b'{"reply": "accepted"}',
    "a field too many": b'{"reply": "failed", "check": "a", "message": "b", "verdict": 1}',
    "a field too few": b'{"reply": "failed", "check": "a"}',
    "a field of another type": b'{"reply": "done", "stated_ns": "1"}',
    "another node": b'{"reply": "done", "outputs": {"node": "code"}}',
    "not a number": b'{"reply": "done", "stated_ns": NaN}',
    "no text": b'{"reply": "failed", "check": "\xff", "message": "b"}',
    "too deep": b'{"reply":"done","outputs":' + b'{"node":"sequence","kind":"list","items":[' * 5000,
}


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer_is_no_record(line: Line, body: bytes) -> None:
    line.say(body)
    with pytest.raises(RecordError):
        line.channel.receive(StepReply)


def test_a_frame_beyond_the_limit_is_refused_before_it_is_read(line: Line) -> None:
    line.raw.sendall((MAX_FRAME_BYTES + 1).to_bytes(HEADER_BYTES, "big"))
    with pytest.raises(RecordError, match="over the limit"):
        line.channel.receive(StepReply)


def test_nobody_waits_longer_than_the_deadline(line: Line) -> None:
    with pytest.raises(DeadlinePassed):
        line.channel.receive(StepReply, deadline=soon())


def test_half_a_frame_is_no_answer_in_time(line: Line) -> None:
    line.raw.sendall((100).to_bytes(HEADER_BYTES, "big") + b"half")
    with pytest.raises(DeadlinePassed):
        line.channel.receive(StepReply, deadline=soon())


def test_what_has_arrived_is_read_though_the_deadline_has_passed(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    ours.send(FAILED)
    assert theirs.receive(StepReply, deadline=time.monotonic() - 1) == FAILED


def test_the_end_of_a_stream_is_told_from_silence(line: Line) -> None:
    line.raw.close()
    with pytest.raises(ChannelClosed):
        line.channel.receive(StepReply, deadline=soon())


def test_a_stream_that_ends_in_the_middle_of_a_frame_is_closed(line: Line) -> None:
    line.raw.sendall((100).to_bytes(HEADER_BYTES, "big") + b"half")
    line.raw.close()
    with pytest.raises(ChannelClosed):
        line.channel.receive(StepReply)


def test_a_stream_that_is_cut_with_words_unread_is_closed(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    ours.send(FAILED)
    theirs.close()
    with pytest.raises(ChannelClosed):
        ours.receive(StepReply)


def test_nobody_can_be_told_anything_who_is_gone(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    theirs.close()
    with pytest.raises(ChannelClosed):
        ours.send(FAILED)
    with pytest.raises(ChannelClosed):
        ours.send(FAILED, [0])


def test_a_number_that_json_cannot_say_is_not_sent(ends: tuple[Channel, Channel]) -> None:
    ours, _ = ends
    with pytest.raises(RecordError, match="not a finite number"):
        ours.send({"time": float("nan")})


def test_descriptors_come_along_in_order_and_reach_the_same_files(
    ends: tuple[Channel, Channel], tmp_path: Path
) -> None:
    ours, theirs = ends
    sent = [os.open(tmp_path / name, os.O_RDWR | os.O_CREAT) for name in ("a", "b")]
    handle = ArenaHandle(size_bytes=1)
    ours.send(Attach(inputs=handle, outputs=handle), sent)
    assert theirs.receive(Attach).inputs == handle
    taken = theirs.take_descriptors()
    assert [os.fstat(fd).st_ino for fd in taken] == [os.fstat(fd).st_ino for fd in sent]
    assert theirs.take_descriptors() == []
    for descriptor in [*sent, *taken]:
        os.close(descriptor)


def test_descriptors_that_nobody_took_are_closed_with_the_channel(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    before = open_descriptors()
    read_end, write_end = os.pipe()
    ours.send(FAILED, [read_end, write_end])
    theirs.receive(StepReply)
    os.close(read_end)
    os.close(write_end)
    theirs.close()
    assert open_descriptors() <= before - 1, "the channel's own socket is gone, and nothing is left over"


def test_more_descriptors_than_anybody_sends_are_not_taken_in(line: Line) -> None:
    read_end, write_end = os.pipe()
    body = b'{"reply": "failed", "check": "a", "message": "b"}'
    header = len(body).to_bytes(HEADER_BYTES, "big")
    before = open_descriptors()
    socket.send_fds(line.raw, [header + body], [read_end] * (3 * MAX_DESCRIPTORS))
    line.channel.receive(StepReply)
    assert open_descriptors() <= before + MAX_DESCRIPTORS + 1
    os.close(read_end)
    os.close(write_end)


def test_a_channel_is_rebuilt_from_an_inherited_descriptor(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    again = Channel.of_descriptor(os.dup(theirs.fileno()))
    ours.send(FAILED)
    assert again.receive(StepReply) == FAILED
    again.close()
