"""Which GPU is meant where nobody says; verdicts on a second GPU are in test_verify_gpu.py."""

from __future__ import annotations

import pytest
import torch

from warpsmith.worker.current_device import make_current


@pytest.mark.parametrize(("name", "made"), [("cuda:1", ["cuda:1"]), ("cuda", []), ("cpu", [])])
def test_a_gpu_with_a_number_is_the_one_that_is_meant(
    monkeypatch: pytest.MonkeyPatch, name: str, made: list[str]
) -> None:
    told: list[str] = []
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: told.append(str(device)))
    make_current(torch.device(name))
    assert told == made
