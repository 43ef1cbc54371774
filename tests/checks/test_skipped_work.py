"""Memory handed back as it was."""

from __future__ import annotations

from check_samples import advice, convicts, judge, looks_like

CHECK = "skipped_work"


def test_an_output_that_was_never_written_convicts() -> None:
    assert "4 rows" in convicts(CHECK, looks_like(CHECK, "4 rows were never written"))


def test_an_output_that_is_wrong_in_another_way_is_no_skipped_work() -> None:
    assert judge(CHECK, looks_like("values")) is None


def test_memory_returned_as_it_came_is_pointed_at() -> None:
    assert advice(CHECK, "import torch\ndef f(x):\n    return torch.empty_like(x)") == [3]
    assert (
        advice(CHECK, "import torch\ndef f(x):\n    y = torch.empty_like(x)\n    k(x, y)\n    return y") == []
    )
