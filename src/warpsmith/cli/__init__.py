"""The command line: thin commands over the library, one file each."""

from __future__ import annotations

from warpsmith.cli.main import main

__all__ = ["main"]
