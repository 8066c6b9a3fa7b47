"""The plugin of pytest that puts ours in the places of theirs, and holds failures against the list of expected ones."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import pytest

from peers.expected import Expected
from peers.peer import Peer, restore


def _name(item: pytest.Item) -> str:
    """Class, function and parameters of a test."""
    return item.nodeid.split("::", 1)[1]


class Peers:
    """See ``runner.py``."""

    def __init__(self, peers: Sequence[Peer], expected: Sequence[Expected]) -> None:
        self._peers, self._expected = peers, expected
        self._unused = set(expected)
        self._modules: set[str] = set()

    def pytest_configure(self) -> None:
        for peer in self._peers:
            if peer.stays:
                peer.apply()

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        kept, left_out = [], []
        for item in items:
            peer = self._peer_of(item)
            (kept if peer is not None and peer.only in _name(item) else left_out).append(item)
        for item in kept:
            peer = self._peer_of(item)
            assert peer is not None
            self._modules.add(peer.tests)
            for one in self._expected:
                if one.tests == peer.tests and one.matches(_name(item)):
                    item.add_marker(pytest.mark.xfail(reason=one.reason, raises=one.raises, strict=True))
                    self._unused.discard(one)
                    break
        items[:] = kept
        if left_out:
            config.hook.pytest_deselected(items=left_out)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        peer = self._peer_of(item)
        theirs = [] if peer is None or peer.stays else peer.apply(item.module)  # type: ignore[attr-defined]
        try:
            return (yield)
        finally:
            restore(theirs)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        unused = [one for one in self._expected if one in self._unused and one.tests in self._modules]
        if unused and not terminalreporter.config.getoption("keyword"):
            terminalreporter.section("listed, but no longer there in this version")
            for one in unused:
                terminalreporter.line(f"{one.tests}: {one.pattern}")

    def _peer_of(self, item: pytest.Item) -> Peer | None:
        module = getattr(item, "module", None)
        return next((peer for peer in self._peers if module is not None and module.__name__ == peer.tests), None)
