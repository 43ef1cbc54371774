"""Where and with what a number was measured."""

from __future__ import annotations

from typing import Literal

import msgspec


class Provenance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything one must know to compare a number with another.

    Attributes:
        verifier: version of Warpsmith that gave the verdict.
        tier: `screen`, `verify` or `certify`.
        device: what it ran on, e.g. `NVIDIA H100 80GB HBM3` or the CPU's model name.
        device_type: `cpu` or `cuda`.
        driver: GPU driver version; None on a CPU.
        threads: CPU threads torch used.
        software: versions by name: python, torch, triton, cuda, compiler; absent where unused.
        clocks_mhz: SM and memory clocks read before timing; empty where they can't be read.
        isolation: grade of what stood between candidate and verifier: `full` is a sandbox with all
            its walls, `partial` one with some, `none` a process and no more.
        isolation_lacks: what is missing for `full`, and how to get it, a sentence each.
        conditions: what NVML said while it was timed: `temperature_c`, `throttled_rounds`, ...; empty
            where it can't be asked.
        seed: the seed from which inputs and weights were derived.
    """

    verifier: str
    tier: str
    device: str
    device_type: str
    driver: str | None
    threads: int
    software: dict[str, str]
    clocks_mhz: dict[str, int]
    isolation: Literal["full", "partial", "none"]
    seed: int
    isolation_lacks: tuple[str, ...] = ()
    conditions: dict[str, int] = {}

    @property
    def device_class(self) -> str:
        """What two numbers must share to be compared."""
        return self.device
