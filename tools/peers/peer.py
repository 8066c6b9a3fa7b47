"""Whose tests are run, and what is put in whose place for them."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Peer:
    """A module of a peer's tests, and what is replaced for them.

    tests : its name. swaps : ours, by the names that they have there. modules : where those names are replaced.
    stays : from before the tests are imported, as parametrized tests keep objects; else while each test runs, in the
    module of the tests as well. only : a part of the names of the tests that count, the others do not ask for ours.
    """

    tests: str
    swaps: dict[str, Any]
    modules: tuple[ModuleType, ...]
    stays: bool = True
    only: str = ""

    def apply(self, *more: ModuleType) -> list[tuple[ModuleType, str, Any]]:
        """Puts ours in place. Returns the others, for :func:`restore`. LookupError for a name that is nowhere."""
        theirs = []
        for name, ours in self.swaps.items():
            places = [module for module in (*self.modules, *more) if hasattr(module, name)]
            if not places:
                raise LookupError(f"{self.tests}: nothing is called {name} where ours should be")
            for module in places:
                theirs.append((module, name, getattr(module, name)))
                setattr(module, name, ours)
        return theirs


def restore(theirs: list[tuple[ModuleType, str, Any]]) -> None:
    for module, name, value in theirs:
        setattr(module, name, value)
