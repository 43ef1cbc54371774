"""CUDA twins of the arena and the timer; they need a device, and skip with the reason where there is none."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from warpsmith.core.codec import encode
from warpsmith.worker.arena import Arena, ArenaError
from warpsmith.worker.timers import TIMERS
from warpsmith.worker.timers.flush import clear_caches, flush_room

pytestmark = pytest.mark.gpu

CUDA = torch.device("cuda:0")
# About 20 ms on any part whose clock runs between 1 and 2.5 GHz.
LONG_CYCLES = 30_000_000

OTHER = """
import sys, torch
from warpsmith.core.codec import decode
from warpsmith.worker.arena import Arena
from warpsmith.worker.steps import ArenaHandle
arena = Arena.attach(decode(sys.argv[1], ArenaHandle), torch.device("cuda:0"), int(sys.argv[2]))
assert arena.memory.device.type == "cuda"
assert arena.memory[:4].tolist() == [1, 2, 3, 4], arena.memory[:4]
arena.memory[:4] *= 2
arena.memory[-1] = 9
torch.cuda.synchronize()
arena.close()
"""


def test_another_process_reads_and_writes_the_same_device_memory() -> None:
    arena = Arena.create(1 << 24, CUDA)
    arena.memory.zero_()
    arena.memory[:4] = torch.tensor([1, 2, 3, 4], dtype=torch.uint8, device=CUDA)
    torch.cuda.synchronize()
    assert arena.descriptor is not None
    command = [sys.executable, "-c", OTHER, encode(arena.handle).decode(), str(arena.descriptor)]
    subprocess.run(command, pass_fds=[arena.descriptor], check=True)
    assert arena.memory[:4].tolist() == [2, 4, 6, 8]
    assert arena.memory[-1].item() == 9
    assert arena.memory[4:-1].sum().item() == 0
    arena.close()


def test_a_closed_arena_gives_its_memory_back() -> None:
    torch.cuda.init()
    Arena.create(1 << 20, CUDA).close()
    free_bytes, _ = torch.cuda.mem_get_info(CUDA)
    for _ in range(3):
        arena = Arena.create(1 << 30, CUDA)
        assert torch.cuda.mem_get_info(CUDA)[0] <= free_bytes - (1 << 30)
        arena.close()
        arena.close()
    assert torch.cuda.mem_get_info(CUDA)[0] == free_bytes


def test_more_than_the_device_has_is_refused() -> None:
    with pytest.raises(ArenaError, match="out of memory") as raised:
        Arena.create(1 << 42, CUDA)
    assert raised.value.out_of_memory
    Arena.create(1 << 20, CUDA).close()


def sleep_here() -> None:
    torch.cuda._sleep(LONG_CYCLES)  # noqa: SLF001 - there is no public way to keep a device busy


def test_a_sample_is_the_time_of_the_device_and_not_of_the_launch() -> None:
    samples = TIMERS.make("cuda_events").sample(sleep_here, 5, "cuda:0")
    assert len(samples) == 5
    assert min(samples) > LONG_CYCLES / 3  # cycles of a clock below 3 GHz, in ns


def test_work_left_on_another_stream_is_awaited_and_charged() -> None:
    side = torch.cuda.Stream()

    def sleep_aside() -> None:
        with torch.cuda.stream(side):
            sleep_here()

    timer = TIMERS.make("cuda_events")
    aside = timer.sample(sleep_aside, 5, "cuda:0")
    here = timer.sample(sleep_here, 5, "cuda:0")
    assert min(aside) > 0.7 * min(here), "leaving the stream stops no clock"


def test_every_sample_of_an_empty_call_is_above_zero() -> None:
    samples = TIMERS.make("cuda_events").sample(lambda: None, 20, "cuda:0")
    assert all(ns > 0 for ns in samples)


def test_the_flush_is_larger_than_the_cache() -> None:
    l2_bytes = torch.cuda.get_device_properties(CUDA).L2_cache_size
    assert flush_room("cuda:0") >= 2 * l2_bytes > 0
    clear_caches("cuda:0", 2 * flush_room("cuda:0"))
