"""One verifier for all tests of this folder, so that torch is imported once; and what tests ask of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from verdicts import Judge

from warpsmith.verify import Verifier


@pytest.fixture(scope="session")
def verifier() -> Iterator[Verifier]:
    """A verifier with its worker process, kept until the session's end."""
    with Verifier() as made:
        yield made


@pytest.fixture
def judge(verifier: Verifier) -> Judge:
    """What asks that verifier for a verdict, and insists on the arm that a test expects."""
    return Judge(verifier)
