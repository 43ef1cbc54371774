"""What every component promises, whatever its family: found by name, made from text, frozen, light."""
# ruff: noqa: S101 - a suite consists of assertions

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import msgspec
import pytest

from warpsmith.core.errors import UnknownName
from warpsmith.core.registry import Registry
from warpsmith.testing.machine import python

IMPORT_ALONE = """
import importlib, json, sys

module, attribute, name, options = sys.argv[1:]
getattr(importlib.import_module(module), attribute).make(name, json.loads(options))
print(*(heavy for heavy in ("torch", "triton") if heavy in sys.modules))
"""


class ComponentSample(Protocol):
    """What every sample has."""

    @property
    def name(self) -> str:
        """The component's name in its registry."""
        ...

    @property
    def options(self) -> dict[str, str]:
        """Options to make it with, as text; without those that have a default there may be none."""
        ...


class ComponentSuite:
    """Inherited by the suites of all families whose components are frozen structs.

    A family's suite sets `registry` and where it is found; an implementer provides `sample`.
    """

    registry: ClassVar[Registry[Any]]
    # "module:attribute" of the registry, for a process that imports nothing else.
    registry_path: ClassVar[str]

    def test_it_is_listed_under_its_name(self, sample: ComponentSample) -> None:
        assert sample.name in self.registry.names()

    def test_it_is_a_frozen_struct_that_refuses_unknown_fields(self, sample: ComponentSample) -> None:
        component = self.registry.get(sample.name)
        assert issubclass(component, msgspec.Struct)
        assert component.__struct_config__.frozen
        assert component.__struct_config__.forbid_unknown_fields

    def test_its_docstring_says_what_it_is(self, sample: ComponentSample) -> None:
        assert (self.registry.get(sample.name).__doc__ or "").strip()

    def test_equal_options_make_equal_components(self, sample: ComponentSample) -> None:
        assert self.registry.make(sample.name, sample.options) == self.registry.make(
            sample.name, sample.options
        )

    def test_an_option_that_it_does_not_have_is_refused(self, sample: ComponentSample) -> None:
        with pytest.raises(UnknownName, match="no option 'no_such_option'"):
            self.registry.make(sample.name, {**sample.options, "no_such_option": "1"})

    def test_making_it_imports_no_torch(self, sample: ComponentSample) -> None:
        module, _, attribute = self.registry_path.partition(":")
        options = msgspec.json.encode(sample.options).decode()
        assert python(IMPORT_ALONE, module, attribute, sample.name, options).split() == []
