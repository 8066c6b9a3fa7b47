"""What is measured: works, and who does them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import data
from data import Data

Call = Callable[[], Any]

ByIsa = Mapping[str, float]
VNNI = "avx512vnni"


def everywhere(bar: float) -> ByIsa:
    return {"": bar}


def with_vnni(bar: float, avx2: float | None = None) -> ByIsa:
    """A bar for AVX-512 with VNNI, and one for AVX2 where there is one."""
    return {VNNI: bar} if avx2 is None else {VNNI: bar, "avx2": avx2}


def on(bars: ByIsa, isa: str) -> float | None:
    """The bar of an instruction set. Those with vectors and no bar of their own have AVX2's, but for VNNI's."""
    if isa in bars:
        return bars[isa]
    return bars.get("", None if isa in (VNNI, "portable") else bars.get("avx2"))


@dataclass(frozen=True)
class UsesUp:
    """A call that destroys what it is given: ``make()`` gives it afresh and is not timed, ``call`` takes it."""

    make: Callable[[], Any]
    call: Callable[[Any], Any]

    def __call__(self) -> Any:
        return self.call(self.make())


def ready(call: Call) -> Call:
    """The call with what it needs, for one time."""
    if not isinstance(call, UsesUp):
        return call
    given = call.make()
    return lambda: call.call(given)


def afresh(call: Call) -> Callable[[], tuple[tuple[Call], dict[str, Any]]]:
    """For pytest-benchmark: makes the arguments of :func:`once` before each round."""
    return lambda: ((ready(call),), {})


def once(call: Call) -> Any:
    return call()


class ContenderMissingError(Exception):
    """A contender cannot take part; says why, in one line."""


def as_it_is(result: Any, _: Data) -> Any:
    return result


def nothing(_: Any) -> str:
    return ""


@dataclass(frozen=True)
class Contender:
    """One library, used in one way.

    prepare(data, n_threads) imports it, sets its threads and returns the call to time; raises ImportError where it is
    not installed. threads() tells afterwards how many it really uses. convert(result, data) brings a result into the
    form of the work; it is not timed. ``rounds`` of the call are timed, the least counts.
    """

    name: str
    prepare: Callable[[Data, int], Call]
    threads: Callable[[int], int]
    convert: Callable[[Any, Data], Any] = as_it_is
    rounds: int = 3
    at_least: ByIsa = field(default_factory=dict)  # ratio to pyface's time asked for, with made data of full size


@dataclass(frozen=True)
class Bars:
    """What else is asked of pyface's own row, with made data of full size; but for the share, with AVX-512."""

    share: ByIsa = field(default_factory=dict)  # of the ceiling
    seconds: float | None = None
    memory_of_x: float | None = None  # memory of the call, in sizes of X
    total_mb: float | None = None
    slope: float | None = None  # of time against n


@dataclass(frozen=True)
class Work:
    """A question, asked of everybody in the same group, on the same rows.

    title may name {radius}, {k} and {t[average]}, a threshold of the data; note(result) is written beside a contender's
    name. operations(data, result) is what has to be computed at least, a multiply and an add being two, in "float32" or
    "codes". verify(result, data) holds pyface's own result against the definition, agree(result, own, data) a peer's
    against pyface's; both raise AssertionError.
    """

    key: str
    title: str
    contenders: tuple[Contender, ...]  # pyface first
    unit: str
    operations: Callable[[Data, Any], float]
    verify: Callable[[Any, Data], None]
    agree: Callable[[Any, Any, Data], None]
    sizes: tuple[tuple[str, int], ...]
    quick_sizes: tuple[tuple[str, int], ...]
    large_sizes: tuple[tuple[str, int], ...] = ()  # run in a child process, and only where named
    bars: Bars = field(default_factory=Bars)
    note: Callable[[Any], str] = nothing

    def contender(self, name: str) -> Contender:
        return next(contender for contender in self.contenders if contender.name == name)


@dataclass(frozen=True)
class Case:
    """One row of the table: one contender on one data set."""

    module: str
    work: Work
    contender: Contender
    source: str
    n: int

    @property
    def is_own(self) -> bool:
        return self.contender is self.work.contenders[0]

    @property
    def group(self) -> str:
        return f"{self.work.key}, {self.source}, n = {self.n:,}"

    def load(self) -> Data:
        return data.load(self.source, self.n)


def cases(module: str, works: list[Work], sizes: Callable[[Work], tuple[tuple[str, int], ...]]) -> list[Case]:
    """All rows of a module, the contenders of a group next to each other."""
    return [
        Case(module, work, contender, source, n)
        for work in works
        for source, n in sizes(work)
        for contender in work.contenders
    ]
