"""`--protocol`: rules that two people share, in place of the options that would set them one by one."""

from __future__ import annotations

import click
import msgspec
from click.core import ParameterSource

from warpsmith.core.errors import UsageError
from warpsmith.search.protocols import PROTOCOLS, Protocol, protocol_called
from warpsmith.verify.batch import Asked

protocol_option = click.option(
    "--protocol",
    metavar="NAME",
    help=f"Fix tier, track, baselines and tolerances: {', '.join(sorted(PROTOCOLS))}.",
)


def protocol_of(name: str | None) -> Protocol | None:
    """Return the protocol called `name`; None where there is none to follow.

    Raises:
        UsageError: it does not exist, or an option beside it asks for something else than it fixes.
    """
    if name is None:
        return None
    protocol = protocol_called(name)
    context = click.get_current_context()
    track = protocol.track
    fixed = {
        "tier": protocol.tier.value,
        "kernels": track.kernels,
        "precision": track.precision,
        "shapes": track.shapes,
        "baselines": protocol.baselines,
    }
    for option, value in fixed.items():
        is_given = context.get_parameter_source(option) is ParameterSource.COMMANDLINE
        if is_given and context.params[option] != value:
            word = f"--{option.removesuffix('s') if option == 'baselines' else option}"
            raise UsageError(f"protocol {name!r} fixes {word}; leave the option out, or the protocol")
    return protocol


def under(protocol: Protocol | None, asked: Asked) -> Asked:
    """Return what is asked for with what the protocol fixes."""
    if protocol is None:
        return asked
    return msgspec.structs.replace(
        asked, tier=protocol.tier, track=protocol.track, baselines=protocol.baselines
    )
