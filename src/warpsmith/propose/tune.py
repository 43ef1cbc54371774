"""Tune the constants of a candidate: block sizes, warps, stages, `#define`s; the sampler is optuna's."""

from __future__ import annotations

import itertools
import math
import time
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import UsageError
from warpsmith.core.trial import Duplicate, Proposal, Screened, Trial, best_trial
from warpsmith.core.verdict import Accepted, Faulted, Rejected, Verdict
from warpsmith.engine.gauge import device_s_of
from warpsmith.propose.base import Wish
from warpsmith.propose.tunables import Tunable, find_tunables, rewrite
from warpsmith.propose.workshop import Workshop
from warpsmith.verify.scan import candidate_of, decode_source

if TYPE_CHECKING:
    import optuna

NAME = "tune"
MISSING = "proposer 'tune' needs optuna; pip install 'warpsmith[search]'"
FROM_FILE = "file"
# What a setting that was rejected is worth to the sampler: as many times slower than the start.
REJECTED_IS = 10.0
# Settings that the sampler repeats before the rest of the space is gone through in order.
MOST_REPEATS = 20
MOST_SETTINGS = 2000


class Base(NamedTuple):
    """What is tuned.

    Attributes:
        name: number of the trial it comes from, or `file`.
        candidate: the source to rewrite.
        tunables: its constants.
    """

    name: str
    candidate: Candidate
    tunables: tuple[Tunable, ...]

    def under(self, setting: Mapping[str, int]) -> Candidate:
        """Return the candidate with other constants."""
        source = rewrite(self.candidate.source, self.tunables, setting)
        return msgspec.structs.replace(self.candidate, source=source)

    @property
    def start(self) -> dict[str, int]:
        """The setting that the source has."""
        return {tunable.label: tunable.value for tunable in self.tunables}

    @property
    def size(self) -> int:
        """How many settings there are."""
        return math.prod(len(tunable.domain) for tunable in self.tunables)


class Told(NamedTuple):
    """A setting that was tried.

    Attributes:
        time_ns: of one call; infinite where it was rejected, None where there is no verdict.
    """

    setting: dict[str, int]
    time_ns: float | None


class Screening(NamedTuple):
    """What screening came to.

    Attributes:
        setting: the one to propose.
        screened: all that were screened for it.
        device_s: seconds of the device that it took.
    """

    setting: dict[str, int]
    screened: tuple[Screened, ...]
    device_s: float

    def note(self, base: Base) -> str:
        """Say in a line what it is one of."""
        of = f"one of {base.size} settings of {len(base.tunables)} constants"
        return f"{of}, the fastest of {len(self.screened)} screened" if self.screened else of


class Tune(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Try other values of a candidate's tunable constants, the next one by what the earlier ones came to.

    It starts from the trial it is given, else from the best accepted one that has such constants. Where the
    run's verifier can be asked, several settings are screened for each that is proposed, and the fastest of
    them is, so that the task's tier is spent on what promises; the sampler then learns from the screenings.

    Attributes:
        path: a candidate's file to start from where no trial can be tuned; empty does without.
        steps: settings of one start to try at most.
        sampler: `tpe`, or `random` to have something to compare it with.
        screens: settings to screen for each that is proposed; 1 proposes without screening.
    """

    path: str = ""
    steps: int = 40
    sampler: str = "tpe"
    screens: Annotated[int, msgspec.Meta(ge=1)] = 4

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Return the next setting; None when nothing can be tuned, or what can be is used up."""
        if self.sampler not in {"tpe", "random"}:
            raise UsageError(f"no sampler {self.sampler!r}; give -o sampler=tpe or -o sampler=random")
        started = time.monotonic()
        for base in self._bases(wish):
            if len(_told(base, wish.trials)) >= self.steps:
                continue
            screening = self._screening(base, wish, workshop)
            if screening is None:
                continue
            return Proposal(
                proposer=NAME,
                variant=variant_of(base, screening.setting),
                candidate=base.under(screening.setting),
                note=screening.note(base),
                wall_s=time.monotonic() - started,
                device_s=screening.device_s,
                screened=screening.screened,
            )
        return None

    def _screening(self, base: Base, wish: Wish, workshop: Workshop) -> Screening | None:
        """Return the setting to propose; None where every one was tried."""
        known = {trial.proposal.candidate.source for trial in wish.trials if trial.proposal.candidate}
        if self.screens == 1 or not workshop.can_screen:
            setting = self._next(base, _told(base, wish.trials), known)
            return None if setting is None else Screening(setting, (), 0.0)
        told = screened_of(base, wish.trials)
        known |= {base.under(each.setting).source for each in told}
        tried: list[Told] = []
        device_s = 0.0
        while len(tried) < self.screens and (setting := self._next(base, [*told, *tried], known)) is not None:
            verdict = workshop.screen(wish.task, base.under(setting))
            known.add(base.under(setting).source)
            device_s += device_s_of(verdict)
            tried.append(Told(setting, _time_in(verdict)))
        if not tried:
            return None
        # A fault says nothing of a setting, so it may be screened again.
        answered = [each for each in tried if each.time_ns is not None]
        screened = tuple(
            Screened(variant=variant_of(base, each.setting), time_ns=_finite(each.time_ns))
            for each in answered
        )
        best = min(tried, key=lambda each: math.inf if each.time_ns is None else each.time_ns)
        return Screening(best.setting, screened, device_s)

    def _bases(self, wish: Wish) -> list[Base]:
        accepted = [trial for trial in wish.trials if trial.accepted is not None]
        best = best_trial(accepted, wish.task.baselines[0]) if wish.task.baselines else None
        starts = list(wish.parents) or ([best] if best else [])
        # What came of tuning is tuned on from where that began, as long as there is something left.
        wanted = [each for trial in starts for each in (_root(trial, wish.trials), trial)]
        if not wish.parents:
            wanted += [trial for trial in reversed(accepted) if trial.proposal.proposer != NAME]
        return [*_tunable(wanted), *([] if wish.parents else self._from_file())]

    def _from_file(self) -> list[Base]:
        if not self.path:
            return []
        try:
            source = decode_source(Path(self.path).read_bytes())
        except OSError as error:
            raise UsageError(
                f"can't read {self.path!r}: {error.strerror}; give -o path=FILE of proposer 'tune'"
            ) from error
        if isinstance(source, Rejected) or not (tunables := find_tunables(source)):
            raise UsageError(f"{self.path!r} has no constants to tune; give -o path=FILE of proposer 'tune'")
        return [Base(FROM_FILE, candidate_of(source), tunables)]

    def _next(self, base: Base, told: Sequence[Told], sources: Collection[str]) -> dict[str, int] | None:
        """Return a setting that gives none of `sources`, from a study of those that were told."""
        if base.name == FROM_FILE and base.candidate.source not in sources:
            return base.start
        known = {*sources, base.candidate.source}
        study = _study(self.sampler, base)
        for each in told:
            if each.time_ns is not None:
                study.add_trial(_finished(base, each.setting, _worth(each.time_ns, told)))
        for _ in range(MOST_REPEATS):
            trial = study.ask()
            setting = {t.label: int(trial.suggest_categorical(t.label, t.domain)) for t in base.tunables}
            if base.under(setting).source not in known:
                return setting
            study.tell(trial, _worth(_time_of(setting, told), told))
        settings = itertools.islice(_every(base.tunables), MOST_SETTINGS)
        return next((each for each in settings if base.under(each).source not in known), None)


def variant_of(base: Base, setting: Mapping[str, int]) -> str:
    """Return a name that states the start and what differs from it: `of 7: BLOCK=256, num_warps=8`."""
    changed = [f"{t.label}={setting[t.label]}" for t in base.tunables if setting[t.label] != t.value]
    return f"of {base.name}: {', '.join(changed) or 'as it is'}"


def setting_of(base: Base, variant: str) -> dict[str, int] | None:
    """Return the setting that `variant` names; None where it is of another start or not one of ours."""
    head, _, tail = variant.partition(": ")
    if head != f"of {base.name}":
        return None
    setting = base.start
    for part in tail.split(", "):
        label, _, value = part.partition("=")
        if label not in setting or not value.isdigit():
            return None
        setting[label] = int(value)
    inside = all(setting[tunable.label] in tunable.domain for tunable in base.tunables)
    return setting if inside else None


def _tunable(trials: Sequence[Trial]) -> list[Base]:
    """Return the distinct starts among `trials`, those that nothing can be tuned of left out."""
    found: dict[int, Base] = {}
    for trial in trials:
        candidate = trial.proposal.candidate
        if candidate is None or trial.number in found:
            continue
        if tunables := find_tunables(candidate.source):
            found[trial.number] = Base(str(trial.number), candidate, tunables)
    return list(found.values())


def _root(trial: Trial, trials: Sequence[Trial]) -> Trial:
    """Return the trial that a tuned one was made from, as its variant says; itself where it was not tuned."""
    if trial.proposal.proposer != NAME:
        return trial
    number = trial.proposal.variant.partition(": ")[0].removeprefix("of ")
    return next((each for each in trials if str(each.number) == number), trial)


def _told(base: Base, trials: Sequence[Trial]) -> list[Told]:
    """Return the settings of `base` that were tried, and what came of them."""
    by_number = {trial.number: trial for trial in trials}
    told = []
    for trial in trials:
        setting = setting_of(base, trial.proposal.variant) if trial.proposal.proposer == NAME else None
        if setting is None:
            continue
        judged = by_number.get(trial.outcome.of, trial) if isinstance(trial.outcome, Duplicate) else trial
        time_ns = math.inf if isinstance(judged.verdict, Rejected) else None
        told.append(Told(setting, judged.accepted.time.value if judged.accepted else time_ns))
    return told


def screened_of(base: Base, trials: Sequence[Trial]) -> list[Told]:
    """Return the settings of `base` that were screened; their times do not compare with those of trials."""
    screened = (
        each for trial in trials if trial.proposal.proposer == NAME for each in trial.proposal.screened
    )
    return [
        Told(setting, math.inf if each.time_ns is None else each.time_ns)
        for each in screened
        if (setting := setting_of(base, each.variant)) is not None
    ]


def _time_in(verdict: Verdict) -> float | None:
    """Return a screening's time of one call in ns: infinite where it was rejected, None without an answer."""
    if isinstance(verdict, Faulted):
        return None
    return verdict.time.value if isinstance(verdict, Accepted) else math.inf


def _finite(time_ns: float | None) -> float | None:
    return time_ns if time_ns is not None and math.isfinite(time_ns) else None


def _time_of(setting: dict[str, int], told: Sequence[Told]) -> float:
    times = (each.time_ns for each in told if each.setting == setting)
    return next((time_ns for time_ns in times if time_ns is not None), math.inf)


def _worth(time_ns: float, told: Sequence[Told]) -> float:
    """Return what the sampler minimises: log of the time; a rejection is as bad as ten times the slowest."""
    times = [each.time_ns for each in told if each.time_ns is not None and math.isfinite(each.time_ns)]
    return math.log(time_ns if math.isfinite(time_ns) else max(times, default=1.0) * REJECTED_IS)


def _every(tunables: Sequence[Tunable]) -> Iterator[dict[str, int]]:
    for values in itertools.product(*(tunable.domain for tunable in tunables)):
        yield dict(zip((tunable.label for tunable in tunables), values, strict=True))


def _study(sampler: str, base: Base) -> optuna.Study:
    """Return an empty study; the seed is fixed, so that one history leads to one next setting."""
    try:
        import optuna  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(MISSING) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    seed = len(base.tunables)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of its options are marked experimental
        made = (
            optuna.samplers.RandomSampler(seed=seed)
            if sampler == "random"
            else optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=8)
        )
    return optuna.create_study(direction="minimize", sampler=made)


def _finished(base: Base, setting: Mapping[str, int], worth: float) -> optuna.trial.FrozenTrial:
    import optuna  # noqa: PLC0415 - an extra

    spaces = {t.label: optuna.distributions.CategoricalDistribution(t.domain) for t in base.tunables}
    return optuna.trial.create_trial(params=dict(setting), distributions=dict(spaces), value=worth)
