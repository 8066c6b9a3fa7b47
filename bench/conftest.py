"""Turns the works of a module into rows, measures them, and keeps each row as soon as it is known."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the modules of this folder

import contest
from contest import Case, Work
from run import Run


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pyface")
    group.addoption("--threads", type=int, default=None, help="of every contender; default: all usable CPUs")
    group.addoption("--quick", action="store_true", help="small sizes: does everything run?")
    group.addoption("--large", default="", help="sizes that are run only where named: 200000 1000000")
    group.addoption("--no-memory", action="store_true", help="leave out the child processes that measure memory")
    group.addoption("--results", default=None, help="folder of the results, default bench/results")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" not in metafunc.fixturenames:
        return
    config = metafunc.config
    large = {int(word.replace("_", "")) for word in config.getoption("large").replace(",", " ").split()}

    def sizes(work: Work) -> tuple[tuple[str, int], ...]:
        if large:
            return tuple(row for row in work.large_sizes if row[1] in large)
        return work.quick_sizes if config.getoption("quick") else work.sizes

    # pytest may put the folder's name in front; child processes import the module by its bare name.
    name = metafunc.module.__name__.rpartition(".")[2]
    found = contest.cases(name, metafunc.module.WORKS, sizes)
    metafunc.parametrize("case", found, ids=[f"{case.group}, {case.contender.name}" for case in found])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:  # pyproject.toml makes errors of warnings; those of peers are theirs
        item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> Run:
    config = request.config
    return Run(
        results=config.getoption("results"),
        n_threads=config.getoption("threads"),
        quick=config.getoption("quick"),
        with_memory=not config.getoption("no_memory"),
        large=bool(config.getoption("large")),
    )


@pytest.fixture
def measure(run: Run, benchmark: Any) -> Callable[[Case], None]:
    """Measures a row; a contender that cannot take part is skipped with a line that says why."""
    return lambda case: run.measure(case, benchmark)
