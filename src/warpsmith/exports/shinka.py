"""A folder for ShinkaEvolve: its evolution of programs, judged by our verifier.

Written for shinka-evolve 0.0.7: an `evaluate.py` that is started for each program with `--program_path` and
`--results_dir` and leaves `metrics.json` and `correct.json` there, an `initial.py`, and a configuration in
YAML.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import msgspec

from warpsmith.core.errors import WarpsmithError
from warpsmith.exports.base import Scope, common, render
from warpsmith.exports.evaluation import SCORE, Evaluation


class Shinka(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """ShinkaEvolve starts a process for each program, so every evaluation starts the verifier anew.

    Attributes:
        model: name of the model, as ShinkaEvolve calls it.
        base_url: of an OpenAI-compatible API of your own; empty asks the model's provider. Its key is
            expected where ShinkaEvolve looks for it.
        iterations: generations to run.
        islands: populations that evolve apart.
        max_tokens: of a reply.
    """

    model: str = ""
    base_url: str = ""
    iterations: int = 100
    islands: int = 2
    max_tokens: int = 16_384

    def __post_init__(self) -> None:
        if not self.model:
            raise ValueError("it asks a language model; name one with -o model=NAME")
        if min(self.iterations, self.islands, self.max_tokens) < 1:
            raise ValueError("iterations, islands and max_tokens are at least 1")

    def files(self, scope: Scope) -> dict[str, str]:
        """Return evaluator, first program, configuration and how to start."""
        name = f"local/{self.model}@{self.base_url}" if self.base_url else self.model
        values = common(scope) | {"options": self, "model": name, "command": self.command(Path())}
        return {
            "initial.py": render("initial.py.j2", values),
            "evaluate.py": render("shinka_evaluate.py.j2", values),
            "shinka.yaml": render("shinka_config.yaml.j2", values),
            "README.md": render("shinka_readme.md.j2", values),
        }

    def command(self, folder: Path) -> str:
        """Return what to type to start it."""
        place, results = shlex.quote(str(folder)), shlex.quote(str(folder / "results"))
        return (
            f"shinka_run --task-dir {place} --results_dir {results} --num_generations {self.iterations} "
            "--config-fname shinka.yaml --max-evaluation-jobs 1"
        )


def evaluate_into(evaluation: Evaluation, program: str, results: str) -> bool:
    """Score `program`, write what ShinkaEvolve reads into the folder `results`, and say whether it is right.

    A machine that fails gives no metrics: the program is neither right nor has it a score.
    """
    folder = Path(results)
    folder.mkdir(parents=True, exist_ok=True)
    metrics: dict[str, object] = {}
    error: str | None = None
    is_right = False
    try:
        scored = evaluation.score(program)
    except WarpsmithError as failed:
        error = str(failed)
    else:
        is_right = scored.is_accepted
        error = None if is_right else scored.feedback
        others = {name: value for name, value in scored.metrics.items() if name != SCORE}
        metrics = {
            SCORE: scored.metrics[SCORE],
            "public": others,
            "private": {},
            "text_feedback": scored.feedback,
        }
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2), encoding="utf-8")
    verdict = {"correct": is_right, "error": error}
    (folder / "correct.json").write_text(json.dumps(verdict, indent=2), encoding="utf-8")
    return is_right
