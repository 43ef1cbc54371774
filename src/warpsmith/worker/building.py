"""Load a candidate from what it has compiled before, or let it compile and keep that.

On the reference side. It knows keys, the cache and the headers; what comes back from the candidate
is believed as far as `builds` says.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import torch

from warpsmith.core.candidate import Candidate
from warpsmith.core.codec import encode, text_id
from warpsmith.core.task import Task
from warpsmith.core.verdict import Stage
from warpsmith.worker.backends import BACKENDS
from warpsmith.worker.backends.base import Extending
from warpsmith.worker.backends.cuda import architecture, find_nvcc
from warpsmith.worker.builds.cache import cache_of_environment
from warpsmith.worker.builds.headers import Headers, headers_root, packaged_digest
from warpsmith.worker.builds.key import BuildKey, compiler_environment, host_processor, tool_version
from warpsmith.worker.builds.parcel import NoParcel, read_untrusted
from warpsmith.worker.candidate_process import CandidateProcess
from warpsmith.worker.steps import Load, Seal

SEAL_S = 60.0


class Loaded(NamedTuple):
    """A candidate was imported.

    Attributes:
        key: names its build; empty where none can be kept.
    """

    key: str
    is_cached: bool
    is_kept: bool


class Builds:
    """What this worker keeps of candidates' builds.

    Args:
        versions: of the software, as a verdict's provenance states them.
    """

    def __init__(self, versions: dict[str, str]) -> None:
        nvcc = find_nvcc()
        self._versions = versions | {"nvcc": tool_version(nvcc, "--version") if nvcc else ""}
        self._cache = cache_of_environment()
        root = headers_root()
        what = f"{self._versions} {host_processor()}"
        self._headers = None if root is None else Headers(root, what)

    def load(self, process: CandidateProcess, task: Task, candidate: Candidate) -> Loaded:
        """Import the candidate in `process`.

        Raises:
            Misbehaved: it does not import.
        """
        step = load_step(
            task, candidate, str(process.scratch), self._headers if process.has_own_files else None
        )
        if self._cache is None or not process.has_own_files:
            process.ask(step, stage=Stage.BUILD, limit_s=task.limits.build_s)
            return Loaded(key="", is_cached=False, is_kept=False)
        key = self._key(step)
        if (parcel := self._cache.get(key)) is not None:
            try:
                process.ask(step, stage=Stage.BUILD, limit_s=task.limits.build_s, descriptors=[parcel])
            finally:
                os.close(parcel)
            return Loaded(key=key, is_cached=True, is_kept=True)
        self._precompile(candidate)
        process.ask(step, stage=Stage.BUILD, limit_s=task.limits.build_s)
        return Loaded(key=key, is_cached=False, is_kept=self._keep(process, key))

    def _keep(self, process: CandidateProcess, key: str) -> bool:
        """Keep what was compiled, while the candidate has seen nothing yet; say whether there was any."""
        given = process.ask_for_file(Seal(), stage=Stage.BUILD, limit_s=SEAL_S)
        if given is None or self._cache is None:
            return False
        try:
            self._cache.put(read_untrusted(given, key))
        except NoParcel:
            return False  # the candidate's own loss, and no proof of anything
        finally:
            os.close(given)
        return True

    def _precompile(self, candidate: Candidate) -> None:
        backend = BACKENDS.make(candidate.backend)
        if self._headers is not None and isinstance(backend, Extending) and "load_inline" in candidate.source:
            self._headers.precompile(backend.binding_flags, with_cuda=backend.with_cuda)

    def _key(self, step: Load) -> str:
        return BuildKey(
            source=text_id(step.source),
            backend=step.backend,
            options=encode(BACKENDS.make(step.backend)).decode(),
            architecture=step.architecture or step.device,
            software=self._versions,
            host=host_processor(),
            headers=f"{packaged_digest()} {step.headers}",
            environment=compiler_environment(),
            scratch=step.scratch,
        ).id


def load_step(task: Task, candidate: Candidate, scratch: str, headers: Headers | None = None) -> Load:
    """Return the step that imports the candidate, into a scratch folder by the path it knows."""
    is_gpu = task.target.device_type == "cuda"
    return Load(
        source=candidate.source,
        backend=candidate.backend,
        entry=candidate.entry,
        device=task.target.device,
        threads=torch.get_num_threads(),
        scratch=scratch,
        architecture=architecture(task.target.device) if is_gpu else "",
        headers="" if headers is None else str(headers.folder),
    )
