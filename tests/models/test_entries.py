"""The file of known models: what is in it, and that a slip in it is an error which says where."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pyface
from pyface import errors, models
from pyface.models import entries

# Names that the design has for families whose code may come later than their entry.


def test_every_family_has_code() -> None:
    assert {spec.family for spec in models.catalog()} <= set(models.families())


def test_files_sizes_and_archives() -> None:
    by_name = {spec.name: spec for spec in models.catalog()}
    mtcnn = by_name["mtcnn"]
    assert [file.file for file in mtcnn.files] == ["pnet.lz4", "rnet.lz4", "onet.lz4"]
    assert mtcnn.total_bytes == 27_119 + 401_659 + 1_557_637
    assert by_name["mtcnn-onet"].sha256 == mtcnn.files[2].sha256
    assert by_name["w600k_mbf"].total_bytes is None
    assert [archive.name for archive in by_name["det_10g"].archives] == ["buffalo_l", "antelopev2"]
    assert by_name["det_10g"].archives[1].member("det_10g") == "scrfd_10g_bnkps.onnx"
    for spec in by_name.values():
        assert (spec.package is None) == bool(spec.archives)
        for archive in spec.archives:
            assert archive.url.endswith(f"/v0.7/{archive.name}.zip") and len(archive.sha256) == 64
    # Without a digest of its own only because that of its archive covers it.
    assert [spec.name for spec in by_name.values() if not spec.sha256] == []


def test_nothing_is_read_before_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys\n"
        "before = set(sys.modules)\n"  # whatever measures coverage has brought its own
        "import pyface\n"
        "assert not {'tomllib', 'urllib.request', 'ssl', 'pyface.models'} & (set(sys.modules) - before)\n"
        "import pyface.models\n"
        "assert not {'urllib.request', 'ssl', 'http.client', 'onnx', 'onnxruntime'} & (set(sys.modules) - before)\n"
        "from pyface.models.catalog import contents\n"
        "assert contents.cache_info().currsize == 0\n"
        "pyface.models.PACKS, pyface.models.catalog()\n"
        "assert contents.cache_info().currsize == 1\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'NOTHING'"):
        models.NOTHING  # noqa: B018


def test_only_pulling_needs_a_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever else is asked of models that are not here, no socket is made."""
    import http.client  # noqa: F401  # it makes classes of socket.socket

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setenv("PYFACE_CACHE", str(tmp_path))
    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    for ask in (models.load, models.paths, models.verify, models.pull):
        with pytest.raises(errors.PyfaceError, match="pyface models pull det_10g --accept-license"):
            ask("det_10g")
    with pytest.raises(errors.ModelFileError, match="pull buffalo_l"):
        pyface.FaceAnalyzer("buffalo_l")
    models.verify()
    monkeypatch.undo()
    monkeypatch.setenv("PYFACE_CACHE", str(tmp_path))
    monkeypatch.setenv("PYFACE_OFFLINE", "1")
    with pytest.raises(errors.DownloadError, match=r"it would have been https://github\.com/.*/buffalo_l\.zip$"):
        models.pull("det_10g", accept_license=True)


GOOD = """
[package.some]
module = "some"
folder = "weights"
requirement = "some==1"
extra = "models"

[archive.zip]
url = "https://example.org/zip.zip"
sha256 = "{digest}"
megabytes = 3
figures = "made up"
members = {{ "b.onnx" = "b" }}

[pack.both]
detector = "a"
landmarks = "detector"
embedder = "b"

[[model]]
name = "a"
family = "scrfd"
task = "detector"
source = {{ package = "some" }}
file = "a.onnx"
bytes = 10
sha256 = "{digest}"
license = "MIT"
link = "https://example.org"
trained_on = "drawings"
commercial_use = true
figures = "made up"
options = {{ input_size = [640, 480] }}

[[model]]
name = "b"
family = "arcface"
task = "embedder"
source = {{ archive = ["zip"] }}
file = "b.onnx"
license = "MIT"
link = "https://example.org/"
trained_on = "drawings"
commercial_use = false
figures = "made up"
""".format(digest="0f" * 32).replace('"https://example.org"', '"https://example.org/"')


def test_a_good_file() -> None:
    read = entries.read_entries(GOOD)
    a, b = read.models
    assert a.package is not None and a.package.module == "some" and a.options.input_size == (640, 480)
    assert b.needs_consent and not a.needs_consent and b.archives[0].members == (("b.onnx", "b"),)
    assert read.packs == {"both": ("a", "detector", "b")}
    urls = GOOD.replace('{ archive = ["zip"] }', '{ url = "https://example.org/b" }').replace(
        '{ "b.onnx" = "b" }', "{}"
    )
    b = entries.read_entries(urls.replace('file = "b.onnx"', f'file = "b.onnx"\nsha256 = "{"ab" * 32}"')).models[1]
    assert b.url == "https://example.org/b" and b.archives == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "a"', 'name = "A b"', "model A b: the name must be of a-z"),
        ('name = "b"', 'name = "a"', "two models|has no file of it"),
        ('task = "detector"', 'task = "finder"', "model a: task must be one of detector"),
        ('family = "scrfd"\n', "", "model a: lacks family"),
        ('family = "scrfd"', "family = 3", "family must be a str and not empty, got 3"),
        ('family = "scrfd"', 'family = ""', "family must be a str and not empty"),
        ('family = "scrfd"', 'familly = "scrfd"', "unknown familly; lacks family"),
        ("commercial_use = true", "commercial_use = 1", "commercial_use must be a bool"),
        ("bytes = 10", "bytes = 0", "bytes must be positive"),
        ("bytes = 10", 'bytes = "10"', "bytes must be a int"),
        ("bytes = 10\nsha256", "bytes = 10\nsha_256", "unknown sha_256"),
        (f'bytes = 10\nsha256 = "{"0f" * 32}"', "bytes = 10", "model a: has no digest"),
        (f'bytes = 10\nsha256 = "{"0f" * 32}"', f'sha256 = "{"0F" * 32}"', "64 hexadecimal digits in lower case"),
        (f'bytes = 10\nsha256 = "{"0f" * 32}"', 'sha256 = "0f"', "64 hexadecimal digits"),
        ('file = "a.onnx"', 'file = "../a.onnx"', "is no name of a file"),
        ('file = "a.onnx"', 'file = "C:a.onnx"', "is no name of a file"),
        ('file = "a.onnx"', 'files = [{ file = "a.onnx" }]', "bytes and sha256 belong to each"),
        ('source = { package = "some" }', 'source = { package = "other" }', "there is no package 'other'"),
        ('source = { package = "some" }', "source = {}", "source must be one of"),
        ('source = { package = "some" }', 'source = { url = "http://a/b" }', "must begin with https://"),
        ('source = { package = "some" }', 'source = { url = "https://a/ b" }', "must begin with https://"),
        ('source = { package = "some" }', 'source = { archive = ["zap"] }', "there is no archive 'zap'"),
        ('source = { archive = ["zip"] }', "source = { path = true }", "has no digest"),
        ('{ "b.onnx" = "b" }', '{ "c.onnx" = "c" }', "the archive zip has no file of it"),
        ('{ "b.onnx" = "b" }', '{ "b.onnx" = "b", "c.onnx" = "c" }', "c.onnx is of 'c', which does not say so"),
        ('{ "b.onnx" = "b" }', '{ "x/b.onnx" = "b" }', "is no name of a file"),
        ("megabytes = 3", "megabytes = 3.5", "megabytes must be a int"),
        ('url = "https://example.org/zip.zip"', 'url = "ftp://example.org/zip.zip"', "must begin with https://"),
        ('folder = "weights"', 'folder = "../weights"', "the folder must lie in the package"),
        ('embedder = "b"', 'embedder = "a"', "pack both: 'a' is no embedder of the catalog"),
        ('embedder = "b"\n', "", "pack both: lacks embedder"),
        ("[pack.both]", "[pack.a]", "both a model and a pack: a"),
        ("[640, 480]", "[640]", r"input_size must be \[width, height\]"),
        ("input_size = [640, 480]", "inputsize = [640, 480]", "options: unknown inputsize"),
        ("[package.some]", "[packages.some]", "the catalog: unknown packages"),
    ],
)
def test_slips_are_told_with_their_place(old: str, new: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(ValueError, match=words):
        entries.read_entries(GOOD.replace(old, new, 1))


def test_several_files_come_with_a_package() -> None:
    digest = "ab" * 32
    files = f'files = [{{ file = "p.lz4", sha256 = "{digest}" }}, {{ file = "r.lz4", sha256 = "{digest}" }}]'
    first = GOOD.replace(f'file = "a.onnx"\nbytes = 10\nsha256 = "{"0f" * 32}"', files)
    a = entries.read_entries(first).models[0]
    assert (a.file, a.sha256, [file.file for file in a.files], a.total_bytes) == (
        "p.lz4",
        digest,
        ["p.lz4", "r.lz4"],
        None,
    )
    with pytest.raises(ValueError, match="several files can only come with a package"):
        entries.read_entries(first.replace('{ package = "some" }', '{ url = "https://a.b/c" }'))
    with pytest.raises(ValueError, match="two files have one name"):
        entries.read_entries(first.replace("r.lz4", "p.lz4"))
