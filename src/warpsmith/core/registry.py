"""Find a component by name without importing the others.

A family of components (backends, strategies, formats, ...) owns one `Registry`.
Built-ins are a table of import strings, so listing names imports nothing and
adding one is one line. Third parties use the entry-point group of the same name.
A component is a frozen struct: its fields are its options.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar, get_args, get_origin

import msgspec

from warpsmith.core.errors import UnknownName, UsageError

T = TypeVar("T")


def suggest(name: str, known: list[str]) -> str:
    """Return the tail of a message about an unknown name: the near one, or all of them."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known) or 'none'}"


def _entry_points(group: str) -> tuple[EntryPoint, ...]:
    return _read_entry_points(group, tuple(sys.path))


@functools.cache
def _read_entry_points(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:  # noqa: ARG001 - a key
    """Return a group's entry points, read once a search path: finding them opens every installed package."""
    return tuple(entry_points(group=group))


class Registry(Generic[T]):
    """A read-only mapping from names to lazily imported classes.

    Args:
        kind: singular noun used in messages, e.g. `"backend"`.
        group: entry-point group for third parties, e.g. `"warpsmith.backends"`.
        builtin: name -> `"package.module:Attribute"`.
    """

    def __init__(self, kind: str, group: str, builtin: Mapping[str, str]) -> None:
        self.kind = kind
        self.group = group
        self._builtin = dict(builtin)

    def names(self) -> list[str]:
        """All known names, sorted; imports none of them."""
        return sorted({*self._builtin, *(point.name for point in _entry_points(self.group))})

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def get(self, name: str) -> type[T]:
        """Import and return the class called `name`.

        Raises:
            UnknownName: no built-in and no entry point has that name.
            UsageError: a third party claims a built-in name, or another's, or does not import.
        """
        claims = [point for point in _entry_points(self.group) if point.name == name]
        if name in self._builtin and claims:
            raise UsageError(f"{self.kind} {name!r} is built in; {claims[0].value!r} must use another name")
        if target := self._builtin.get(name):
            module, _, attribute = target.partition(":")
            component: type[T] = getattr(importlib.import_module(module), attribute)
            return component
        if claims:
            return self._load(name, claims)
        raise UnknownName(f"no {self.kind} {name!r}{suggest(name, self.names())}")

    def _load(self, name: str, claims: list[EntryPoint]) -> type[T]:
        if len(claims) > 1:
            rivals = " and ".join(sorted(claim.value for claim in claims))
            raise UsageError(f"{self.kind} {name!r} is claimed by {rivals}; uninstall all but one")
        try:
            component: type[T] = claims[0].load()
        except Exception as error:  # a plugin's module may raise anything
            raise UsageError(
                f"{self.kind} {name!r} ({claims[0].value}) can't be imported: {error}; "
                "repair or uninstall the package it comes from"
            ) from error
        return component

    def make(self, name: str, options: Mapping[str, object] | None = None) -> T:
        """Return an instance of `name` with `options`; text is converted to the field's type.

        Where a field holds several values, text has them between commas: `variants=default,freezing`.

        Raises:
            UnknownName: there is no such component, or it has no such option.
            UsageError: an option's value has the wrong type.
        """
        component = self.get(name)
        given = dict(options or {})
        fields = list(getattr(component, "__struct_fields__", ()))
        for option in given:
            if option not in fields:
                raise UnknownName(f"{self.kind} {name!r} has no option {option!r}{suggest(option, fields)}")
        try:
            made: Any = msgspec.convert(_split_lists(given, component), type=component, strict=False)
        except (msgspec.ValidationError, ValueError) as error:
            raise UsageError(f"{self.kind} {name!r}: {error}") from error
        instance: T = made
        return instance


def _split_lists(options: Mapping[str, object], component: type) -> dict[str, object]:
    types = {f.encode_name: f.type for f in msgspec.structs.fields(component)} if options else {}
    return {
        name: [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str) and _holds_several(types[name])
        else value
        for name, value in options.items()
    }


def _holds_several(kind: object) -> bool:
    return any(get_origin(each) in {list, tuple} for each in (kind, *get_args(kind)))
