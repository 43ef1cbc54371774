"""What a trial took of the device, in seconds; models' bills stand in the trials themselves."""

from __future__ import annotations

from warpsmith.core.trial import Trial
from warpsmith.engine.gauge import device_s_of


def device_s(trial: Trial) -> float:
    """Return the seconds of the device that a trial took, its making included."""
    return trial.proposal.device_s + device_s_of(trial.verdict)
