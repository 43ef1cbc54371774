"""A folder for OpenEvolve: its evolution of programs, judged by our verifier.

Written for openevolve 0.4: an evaluator file with `evaluate(program_path)` that returns metrics and
artifacts, a program to start from, and a configuration in YAML.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import msgspec

from warpsmith.exports.base import Scope, common, render


class OpenEvolve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """OpenEvolve asks the model for whole files, since kernels are short.

    Attributes:
        model: name of the model, as its provider calls it.
        base_url: of an OpenAI-compatible API.
        key_env: environment variable that holds the key; empty where the address wants none.
        iterations: programs to ask for.
        islands: populations that evolve apart.
        max_tokens: of a reply.
        temperature: of sampling.
    """

    model: str = ""
    base_url: str = "https://api.openai.com/v1"
    key_env: str = "OPENAI_API_KEY"
    iterations: int = 100
    islands: int = 3
    max_tokens: int = 16_384
    temperature: float = 0.7

    def __post_init__(self) -> None:
        if not self.model:
            raise ValueError("it asks a language model; name one with -o model=NAME")
        if min(self.iterations, self.islands, self.max_tokens) < 1:
            raise ValueError("iterations, islands and max_tokens are at least 1")

    def files(self, scope: Scope) -> dict[str, str]:
        """Return evaluator, first program, configuration and how to start."""
        values = common(scope) | {"options": self, "command": self.command(Path())}
        return {
            "initial_program.py": render("initial.py.j2", values),
            "evaluator.py": render("openevolve_evaluator.py.j2", values),
            "config.yaml": render("openevolve_config.yaml.j2", values),
            "README.md": render("openevolve_readme.md.j2", values),
        }

    def command(self, folder: Path) -> str:
        """Return what to type to start it."""
        files = [
            str(folder / name) for name in ("initial_program.py", "evaluator.py", "config.yaml", "output")
        ]
        program, evaluator, config, output = map(shlex.quote, files)
        return f"openevolve-run {program} {evaluator} --config {config} --output {output}"
