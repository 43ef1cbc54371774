"""Memory that two processes share on the CPU; its CUDA twin is in test_gpu.py."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys

import pytest
import torch
from processes import open_descriptors

from warpsmith.core.codec import encode
from warpsmith.worker.arena import Arena, ArenaError
from warpsmith.worker.process import available_bytes
from warpsmith.worker.steps import ArenaHandle

CPU = torch.device("cpu")

# The other process: read what is there, answer in place.
OTHER = """
import sys, torch
from warpsmith.core.codec import decode
from warpsmith.worker.arena import Arena
from warpsmith.worker.steps import ArenaHandle
arena = Arena.attach(decode(sys.argv[1], ArenaHandle), torch.device("cpu"), int(sys.argv[2]))
assert arena.memory[:4].tolist() == [1, 2, 3, 4], arena.memory[:4]
arena.memory[:4] *= 2
arena.close()
"""


def test_another_process_reads_and_writes_the_same_memory() -> None:
    arena = Arena.create(1 << 20, CPU)
    arena.memory[:4] = torch.tensor([1, 2, 3, 4], dtype=torch.uint8)
    assert arena.descriptor is not None
    command = [sys.executable, "-c", OTHER, encode(arena.handle).decode(), str(arena.descriptor)]
    subprocess.run(command, pass_fds=[arena.descriptor], check=True)
    assert arena.memory[:4].tolist() == [2, 4, 6, 8]
    arena.close()


def test_an_arena_is_never_empty_and_begins_as_zeros() -> None:
    arena = Arena.create(0, CPU)
    assert arena.handle == ArenaHandle(size_bytes=mmap.PAGESIZE)
    assert int(arena.memory.sum()) == 0
    arena.close()


def test_a_closed_arena_holds_no_memory_and_no_descriptor() -> None:
    before = open_descriptors()
    for _ in range(3):
        arena = Arena.create(1 << 16, CPU)
        twin = Arena.attach(arena.handle, CPU, os.dup(arena.descriptor or -1))
        arena.close()
        arena.close()
        twin.close()
        assert arena.memory.numel() == 0
    assert open_descriptors() <= before  # readers of earlier tests may still be letting go


@pytest.mark.parametrize("factor", [1, 1000])
def test_more_than_there_is_is_refused_before_anything_is_taken(factor: int) -> None:
    before = open_descriptors()
    with pytest.raises(ArenaError, match="bytes of shared memory") as raised:
        Arena.create(factor * available_bytes(), CPU)
    assert raised.value.out_of_memory
    assert open_descriptors() <= before  # readers of earlier tests may still be letting go


def test_a_handle_without_its_descriptor_maps_nothing() -> None:
    with pytest.raises(ArenaError, match="without its descriptor"):
        Arena.attach(ArenaHandle(size_bytes=4096), CPU, None)
