"""Every error this package raises on purpose.

    WarpsmithError
    ├── UsageError            the caller asked for something impossible; exit status 2
    │   └── UnknownName       no such backend, strategy, format, ...
    ├── RecordError           bytes on disk or on a wire do not decode
    │   └── SchemaMismatch    a run folder was written by another schema version
    └── InfrastructureError   the machine failed, not the candidate; worth a retry
        ├── WorkerDied
        └── DeviceLost

A candidate that does not compile, crashes, hangs or lies raises nothing here:
it gets a `Rejected` verdict. Errors are for us; verdicts are for candidates.
"""

from __future__ import annotations


class WarpsmithError(Exception):
    """Base of the tree; caught at the edge (command line, worker loop) and nowhere else."""


class UsageError(WarpsmithError):
    """The request cannot be carried out as written; the message says what to do instead."""


class UnknownName(UsageError):
    """A registry or a suite was asked for a name it does not have."""


class RecordError(WarpsmithError):
    """A stored or received record does not match its schema."""


class SchemaMismatch(RecordError):
    """A run folder was written by another schema version."""


class InfrastructureError(WarpsmithError):
    """The machine, not the candidate, failed. Retrying elsewhere may succeed."""


class WorkerDied(InfrastructureError):
    """A trusted worker process ended without an answer."""


class DeviceLost(InfrastructureError):
    """The device, or the host it is in, can't be used any more; the work is to be done elsewhere."""
