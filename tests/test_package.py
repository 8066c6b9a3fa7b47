"""The facade: every public name resolves, unknown ones fail, a shared package folder is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

import pyface
from pyface import _build, _threads


def test_every_public_name_resolves() -> None:
    assert list(pyface.__all__) == sorted(pyface.__all__)
    for name in pyface.__all__:
        assert getattr(pyface, name) is not None
        assert name in dir(pyface)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'cosine_distnaces'"):
        pyface.cosine_distnaces  # noqa: B018


def test_enthoughts_files_are_refused(tmp_path: Path) -> None:
    _build.refuse_foreign_files(tmp_path)
    (tmp_path / "toolkit.py").touch()
    with pytest.raises(ImportError, match="pip uninstall pyface"):
        _build.refuse_foreign_files(tmp_path)


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYFACE_NUM_THREADS", raising=False)
    assert _threads.resolve(None) == _threads.usable_cpus() >= 1
    assert _threads.resolve(3) == 3
    monkeypatch.setenv("PYFACE_NUM_THREADS", "5")
    assert _threads.resolve(None) == 5
    monkeypatch.setenv("PYFACE_NUM_THREADS", "many")
    with pytest.raises(ValueError, match="PYFACE_NUM_THREADS"):
        _threads.resolve(None)
    with pytest.raises(ValueError, match="at least 1"):
        _threads.resolve(0)
    with pytest.raises(TypeError, match="n_threads"):
        _threads.resolve(1.5)  # type: ignore[arg-type]
