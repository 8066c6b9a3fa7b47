"""The facade: every public name resolves, unknown ones fail, a shared package folder is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import pyface
from pyface import _build, _threads
from pyface.errors import ImageReadError


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


def test_sources_without_the_compiled_module_say_where_it_may_be() -> None:
    other = ModuleNotFoundError("No module named 'numpy'", name="numpy")
    assert _build.without_core(other) is other
    told = _build.without_core(ModuleNotFoundError("No module named 'pyface._core'", name="pyface._core"))
    assert "another folder" in str(told)


def test_build_info_names_what_a_bug_report_needs() -> None:
    info = pyface.build_info()
    assert info["version"] == pyface.__version__
    assert info["isa_active"] in info["isas_supported"] and set(info["isas_supported"]) <= set(info["isas_compiled"])
    assert info["threads"] >= 1 and info["cpus"] >= 1


def test_errors_survive_a_process_border() -> None:
    error = pickle.loads(pickle.dumps(ImageReadError("a.jpg", "it is cut off")))
    assert (str(error), error.path, error.reason) == ("a.jpg: it is cut off", "a.jpg", "it is cut off")


def test_results_have_a_length() -> None:
    assert len(pyface.Landmarks(np.zeros((3, 5, 2)), "dlib-5")) == len(pyface.Detections(np.zeros((3, 4)), np.ones(3)))


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYFACE_NUM_THREADS", raising=False)
    assert _threads.resolve(None) == _threads.usable_cpus() >= 1
    assert _threads.resolve(3) == 3
    assert _threads.resolve(10**12) == 1024
    monkeypatch.setenv("PYFACE_NUM_THREADS", "5")
    assert _threads.resolve(None) == 5
    monkeypatch.setenv("PYFACE_NUM_THREADS", "99999999999")
    assert _threads.resolve(None) == 1024
    monkeypatch.setenv("PYFACE_NUM_THREADS", "many")
    with pytest.raises(ValueError, match="PYFACE_NUM_THREADS"):
        _threads.resolve(None)
    with pytest.raises(ValueError, match="at least 1"):
        _threads.resolve(0)
    with pytest.raises(TypeError, match="n_threads"):
        _threads.resolve(1.5)  # type: ignore[arg-type]
