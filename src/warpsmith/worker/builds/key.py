"""What makes two builds the same: everything that decides a byte of the result. Imports no torch."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import shutil
import subprocess
from pathlib import Path

import msgspec

from warpsmith.core.codec import content_id

# Raise it when what is built around a candidate's source changes in a way that no other field tells.
FORMAT = 1
COMPILER_ANSWER_S = 10.0
# What a candidate's process keeps of the environment and compilers listen to.
COMPILER_VARIABLES = ("CC", "CXX", "CUDA_HOME", "CUDA_PATH", "LD_LIBRARY_PATH", "PATH")


class BuildKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a build depends on.

    Attributes:
        source: SHA-256 of the candidate's text.
        options: the backend's own, its flags among them, as it is written down in JSON.
        architecture: `cpu`, or compute capability.
        software: versions of Python, torch, Triton, CUDA and the compilers.
        host: processor and its instruction sets, for `-march=native`.
        headers: SHA-256 of the headers that stand in for torch's, and where they lie.
        environment: variables that compilers listen to.
        scratch: where it is built; build files hold full paths.
    """

    source: str
    backend: str
    options: str
    architecture: str
    software: dict[str, str]
    host: str
    headers: str
    environment: dict[str, str]
    scratch: str
    format: int = FORMAT

    @property
    def id(self) -> str:
        """The name of the build: content id over all fields."""
        return content_id(self)


@functools.cache
def host_processor() -> str:
    """Return architecture and a digest of what the processor can do: what `-march=native` looks at."""
    names = ("model name", "flags", "Features", "cpu family", "model", "stepping")
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0].splitlines()
    except OSError:
        lines = []
    said = [line for line in lines if line.partition(":")[0].strip() in names]
    return f"{platform.machine()} {hashlib.sha256(chr(10).join(said).encode()).hexdigest()[:16]}"


def compiler_environment() -> dict[str, str]:
    """Return the variables that a candidate's compilers will listen to."""
    return {name: os.environ[name] for name in COMPILER_VARIABLES if name in os.environ}


def tool_version(*command: str) -> str:
    """Return the last line of what a compiler says of itself; empty where there is none."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        said = subprocess.run(  # noqa: S603 - the user's own compiler
            command, capture_output=True, text=True, timeout=COMPILER_ANSWER_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (said.stdout.strip().splitlines() or [""])[-1]
