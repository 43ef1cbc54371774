"""What a trial took of the device, in seconds; models' bills stand in the trials themselves."""

from __future__ import annotations

from warpsmith.core.trial import Trial
from warpsmith.core.verdict import Faulted, Verdict
from warpsmith.engine.gauge import on_device_s


def device_s_of(verdict: Verdict | None) -> float:
    """Return the seconds in which the device worked for a verdict or was kept free for it.

    A fault has no phases, so all of its time counts: what hung may have held the device throughout.
    """
    if verdict is None:
        return 0.0
    return verdict.wall_s if isinstance(verdict, Faulted) else on_device_s(verdict.phases_s)


def device_s(trial: Trial) -> float:
    """Return the seconds of the device that a trial took, its making included."""
    return trial.proposal.device_s + device_s_of(trial.verdict)
