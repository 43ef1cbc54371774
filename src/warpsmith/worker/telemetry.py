"""What the GPU says of itself while something is timed: clocks, temperature, power, throttling.

Reads NVML through `pynvml` where that is installed; takes no decision but which throttle
reasons spoil a sample. Never raises: telemetry that fails is telemetry that is missing.
"""

from __future__ import annotations

import functools
from typing import Any

import msgspec
import torch

# Reasons that make a sample no sample of this device. A power cap is none of them: it is how the device
# runs under load, for baselines as for candidates. Bits of nvmlClocksEventReasons, stable since NVML 5.
_SPOILING = {
    0x08: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
}
_SM, _MEMORY, _CELSIUS = 1, 2, 0  # NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU


class Conditions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The state of a GPU at one moment; what the device does not tell is absent.

    Attributes:
        throttled: reasons that spoil what is being timed; empty where it runs as it should.
    """

    sm_mhz: int | None = None
    memory_mhz: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    throttled: tuple[str, ...] = ()

    @property
    def is_throttled(self) -> bool:
        """Whether what is timed now has to be timed again."""
        return bool(self.throttled)


def sample(index: int) -> Conditions | None:
    """Return the conditions of CUDA device `index`; None where NVML is not there to ask."""
    found = _library_and_handle(index)
    if found is None:
        return None
    nvml, handle = found
    milliwatts = _asked(nvml, "nvmlDeviceGetPowerUsage", handle)
    reasons = _asked(nvml, "nvmlDeviceGetCurrentClocksEventReasons", handle)
    if reasons is None:  # its name before NVML 12
        reasons = _asked(nvml, "nvmlDeviceGetCurrentClocksThrottleReasons", handle)
    return Conditions(
        sm_mhz=_asked(nvml, "nvmlDeviceGetClockInfo", handle, _SM),
        memory_mhz=_asked(nvml, "nvmlDeviceGetClockInfo", handle, _MEMORY),
        temperature_c=_asked(nvml, "nvmlDeviceGetTemperature", handle, _CELSIUS),
        power_w=None if milliwatts is None else milliwatts / 1000,
        throttled=tuple(words for bit, words in _SPOILING.items() if (reasons or 0) & bit),
    )


def _asked(nvml: Any, name: str, *arguments: Any) -> int | None:
    """Return NVML's answer; None where this device or this version has none."""
    try:
        return int(getattr(nvml, name)(*arguments))
    except Exception:  # noqa: BLE001 - NVMLError, a missing name, a driver that went away: no telemetry
        return None


@functools.cache
def _library_and_handle(index: int) -> tuple[Any, Any] | None:
    """Return NVML and its handle of a device, by identity: CUDA may number devices otherwise."""
    try:
        import pynvml  # noqa: PLC0415 - optional: extra `gpu`

        pynvml.nvmlInit()
        uuid = str(torch.cuda.get_device_properties(index).uuid)
        return pynvml, pynvml.nvmlDeviceGetHandleByUUID(uuid if uuid.startswith("GPU-") else f"GPU-{uuid}")
    except Exception:  # noqa: BLE001 - as above; asked once a process
        return None
