"""What NVML says, from a stand-in for its Python module; and that it never gets in the way."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator

import pytest
import torch

from warpsmith.worker import telemetry
from warpsmith.worker.telemetry import Conditions, sample

UUID = "GPU-1234"


class NVMLError(Exception):
    """What the real module raises."""


@pytest.fixture(autouse=True)
def _ask_anew() -> Iterator[None]:
    telemetry._library_and_handle.cache_clear()  # noqa: SLF001 - it asks once a process
    yield
    telemetry._library_and_handle.cache_clear()  # noqa: SLF001 - it asks once a process


def install(monkeypatch: pytest.MonkeyPatch, *, reasons: int = 0, without: tuple[str, ...] = ()) -> list[str]:
    """Put a stand-in where `import pynvml` finds it; return the identities that are asked for."""
    asked: list[str] = []

    def refuse(*_: object) -> int:
        raise NVMLError

    def handle(uuid: str) -> str:
        asked.append(uuid)
        return "handle"

    module = types.ModuleType("pynvml")
    answers = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetHandleByUUID": handle,
        "nvmlDeviceGetClockInfo": lambda _, kind: {1: 1980, 2: 2619}[kind],
        "nvmlDeviceGetTemperature": lambda *_: 61,
        "nvmlDeviceGetPowerUsage": lambda _: 412_500,
        "nvmlDeviceGetCurrentClocksEventReasons": lambda _: reasons,
    }
    for name, answer in answers.items():
        setattr(module, name, refuse if name in without else answer)
    monkeypatch.setitem(sys.modules, "pynvml", module)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: types.SimpleNamespace(uuid="1234"))
    return asked


def test_a_sample_has_what_the_device_says_in_our_units(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = install(monkeypatch)
    wanted = Conditions(sm_mhz=1980, memory_mhz=2619, temperature_c=61, power_w=412.5)
    assert sample(0) == wanted
    assert sample(0) == wanted
    assert asked == [UUID], "asked for by identity, once"


@pytest.mark.parametrize("reasons", [0x08, 0x20, 0x40, 0x80, 0x40 | 0x04])
def test_slowdowns_spoil_what_is_timed(monkeypatch: pytest.MonkeyPatch, reasons: int) -> None:
    install(monkeypatch, reasons=reasons)
    conditions = sample(0)
    assert conditions is not None
    assert conditions.is_throttled
    assert len(conditions.throttled) == 1


@pytest.mark.parametrize("reasons", [0x00, 0x01, 0x02, 0x04, 0x10, 0x100])
def test_idling_a_power_cap_and_set_clocks_do_not(monkeypatch: pytest.MonkeyPatch, reasons: int) -> None:
    install(monkeypatch, reasons=reasons)
    conditions = sample(0)
    assert conditions is not None
    assert not conditions.is_throttled


def test_what_a_device_does_not_tell_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, without=("nvmlDeviceGetPowerUsage", "nvmlDeviceGetCurrentClocksEventReasons"))
    conditions = sample(0)
    assert conditions is not None
    assert conditions.power_w is None
    assert conditions.sm_mhz == 1980
    assert not conditions.is_throttled


def test_no_library_no_driver_or_no_device_is_no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, without=("nvmlInit",))
    assert sample(0) is None
    telemetry._library_and_handle.cache_clear()  # noqa: SLF001 - it asks once a process
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert sample(0) is None
