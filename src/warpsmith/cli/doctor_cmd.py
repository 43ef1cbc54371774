"""warpsmith doctor: what works on this machine, and how to make the rest work."""

from __future__ import annotations

import importlib.util
import json
import platform
import shutil
import sys
from typing import Any

import click

from warpsmith import __version__
from warpsmith.cli.options import json_option
from warpsmith.cli.words import si_text, time_text
from warpsmith.core.codec import builtins_of
from warpsmith.core.errors import WarpsmithError
from warpsmith.core.roofline import Ceilings
from warpsmith.core.task import Target
from warpsmith.verify import Verifier
from warpsmith.verify.ceilings import keep_ceilings
from warpsmith.worker.backends.extension import tool_path

# Extra -> a module that only it brings.
EXTRAS = {"torch": "torch", "search": "sqlalchemy", "report": "vl_convert", "gpu": "pynvml"}
PROFILERS = ("ncu", "nsys", "compute-sanitizer")


def findings() -> dict[str, Any]:
    """Return everything the doctor knows, as plain values."""
    seen: dict[str, Any] = {
        "warpsmith": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "extras": {name: importlib.util.find_spec(module) is not None for name, module in EXTRAS.items()},
        "compilers": {name: shutil.which(name, path=tool_path()) or "" for name in ("g++", "nvcc", "ninja")},
        "profilers": {name: shutil.which(name) or "" for name in PROFILERS},
        "isolation": "none",
        "isolation_lacks": [],
        "devices": {},
        "software": {},
        "backends": {},
        "problems": [],
    }
    if sys.platform != "linux":
        seen["problems"].append("workers need Linux (shared memory files and process control)")
    elif seen["extras"]["torch"]:
        try:
            with Verifier() as verifier:
                probe = verifier.probe()
            seen |= {"devices": probe.devices, "software": probe.software, "backends": probe.backends}
            seen |= {"isolation": probe.isolation, "isolation_lacks": list(probe.isolation_lacks)}
        except WarpsmithError as error:
            seen["problems"].append(f"a worker does not start: {error}")
    for name, is_there in seen["extras"].items():
        if not is_there and name != "gpu":
            seen["problems"].append(f"extra {name!r} is missing: pip install 'warpsmith[{name}]'")
    if not seen["compilers"]["g++"]:
        seen["problems"].append("no g++: C++ candidates and torch.compile on the CPU need one")
    return seen


def ceilings_of_all() -> dict[str, Ceilings]:
    """Measure every device of this host, keep what was seen, and return it by device name.

    Raises:
        WarpsmithError: a worker does not start.
    """
    with Verifier() as verifier:
        found = {name: verifier.gauge(Target(device=name)).ceilings for name in verifier.probe().devices}
    for ceilings in found.values():
        keep_ceilings(ceilings)
    return found


def ceilings_text(ceilings: Ceilings) -> str:
    """Return for example `copy 2.9 TB/s, bfloat16 690 Tflop/s, launch 2.1 µs`."""
    rates = [f"{name} {si_text(rate, 'flop/s')}" for name, rate in sorted(ceilings.flops_per_s.items())]
    copy, launch = si_text(ceilings.bytes_per_s, "B/s"), time_text(ceilings.launch_ns)
    return ", ".join([f"copy {copy}", *rates, f"launch {launch}"])


@click.command()
@click.option("--ceilings", "is_measuring", is_flag=True, help="Also measure what each device does at most.")
@json_option
def doctor(is_measuring: bool, as_json: bool) -> int:
    """Say what works here: devices, compilers, backends, isolation, profilers.

    Ceilings (bandwidth, products by dtype, launch) are kept for `problems show --roofline`; measure them
    when nothing else runs.
    """
    seen = findings()
    measured = ceilings_of_all() if is_measuring else {}
    if is_measuring:
        seen["ceilings"] = {name: builtins_of(ceilings) for name, ceilings in measured.items()}
    if as_json:
        click.echo(json.dumps(seen))
    else:
        _say(seen, measured)
    return 0


def _say(seen: dict[str, Any], measured: dict[str, Ceilings]) -> None:
    click.echo(f"warpsmith {seen['warpsmith']}, Python {seen['python']}, {seen['platform']}")
    for name, line in seen["devices"].items():
        click.echo(f"  device    {name}: {line}")
    for name, ceilings in measured.items():
        click.echo(f"  ceilings  {name}: {ceilings_text(ceilings)}")
    for name, lack in seen["backends"].items():
        click.echo(f"  backend   {name}: {lack or 'works'}")
    for kind in ("compilers", "profilers"):
        for name, path in seen[kind].items():
            click.echo(f"  {kind[:-1]:<9} {name}: {path or 'not found'}")
    click.echo(f"  isolation {seen['isolation']}")
    for lack in seen["isolation_lacks"]:
        click.echo(f"            {lack}")
    for name, version in seen["software"].items():
        click.echo(f"  version   {name} {version}")
    for problem in seen["problems"]:
        click.echo(f"problem: {problem}")
    count = len(seen["problems"])
    click.echo(f"{count} problem{'s' * (count > 1)}" if count else "all is well")
