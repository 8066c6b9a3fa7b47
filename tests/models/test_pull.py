"""Zips of weights, licences that have to be accepted, weights from a place of the user's, and what is here."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import weight_server
from weight_server import TERMS, Served, Server, archive, five_points, sha256, spec, zipped

from pyface import FaceAnalyzer, errors, models
from pyface.errors import DownloadError, LicenseError, ModelFileError
from pyface.models import pulled
from pyface.models.entries import ModelSpec

A, B, C = (five_points(seed) for seed in range(3))
LIMITED = {**TERMS, "commercial_use": False}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "PYFACE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with weight_server.serving() as serving:
        yield serving


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYFACE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def in_zip(server: Server, patch: pytest.MonkeyPatch, data: bytes, **changes: Any) -> tuple[ModelSpec, ...]:
    """Models ``a``, ``b`` and ``c`` of the zip ``pack``, which the server has; of ``c`` no digest is known."""
    server.served["/pack.zip"] = Served(data)
    names = {"a-file.dat": "a", "b.dat": "b", "c.dat": "c"}
    whole = archive("pack", server.url("/pack.zip"), data, names)
    about = {"archives": (whole,), **LIMITED, **changes}
    specs = spec("a", A, **about), spec("b", B, **about), spec("c", C, **{**about, "sha256": ""})
    weight_server.install(patch, *specs, pack=("a", "detector", "b"))
    return specs


FILES = {"a-file.dat": A, "b.dat": B, "c.dat": C, "more.txt": b"x"}


@pytest.mark.parametrize("folder", ["", "pack/"])
def test_a_zip_is_fetched_once_for_all_it_has(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    in_zip(server, monkeypatch, zipped({folder + name: data for name, data in FILES.items()}))
    models.pull("pack", accept_license=True)
    assert sorted(path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file()) == [
        ".lock", "a/a.dat", "a/record.json", "b/b.dat", "b/record.json", "c/c.dat", "c/record.json"
    ]  # fmt: skip
    assert [(cache / f"{name}/{name}.dat").read_bytes() for name in "abc"] == [A, B, C]
    record = json.loads((cache / "c" / "record.json").read_text())
    assert record["sha256"] == sha256(C) and record["accepted"] is True and record["license"] == TERMS["license"]
    assert record["from"] == server.url("/pack.zip") and record["date"].startswith("20")
    models.pull("c")
    models.pull("pack")
    assert len(server.requests) == 1
    assert {models.load(name).name for name in "abc"} == {"a", "b", "c"}
    assert [one.problem for one in models.verify("pack")] == ["", ""]


def test_only_what_has_the_same_terms_is_kept_unasked(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, c = in_zip(server, monkeypatch, zipped(FILES))
    others = ModelSpec(**{**{f: getattr(b, f) for f in b.__slots__}, "license": "worse"})
    weight_server.install(monkeypatch, a, others, c)
    models.pull("a", accept_license=True)
    assert sorted(path.name for path in cache.iterdir()) == [".lock", "a", "c"]
    with pytest.raises(LicenseError, match="b: worse"):
        models.pull("b")


def test_without_a_digest_of_its_own_the_record_tells(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_zip(server, monkeypatch, zipped(FILES))
    models.pull("c", accept_license=True)
    (cache / "c" / "c.dat").write_bytes(A)
    with pytest.raises(ModelFileError, match=rf"SHA-256 is {sha256(A)}, expected {sha256(C)}; mend it with: pyface"):
        models.load("c")
    models.pull("c")
    assert models.load("c").digest and len(server.requests) == 2


def test_a_damaged_file_is_fetched_again(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_zip(server, monkeypatch, zipped(FILES))
    models.pull("pack", accept_license=True)
    (cache / "b" / "b.dat").write_bytes(B[:-1])
    (bad,) = [one for one in models.verify() if one.problem]
    assert bad.name == "b" and sha256(B) in bad.problem and "pyface models pull b" in bad.problem
    with pytest.raises(ModelFileError, match="is not the file that b needs"):
        models.load("b")
    models.pull("b")
    assert (cache / "b" / "b.dat").read_bytes() == B and len(server.requests) == 2


def with_entry(name: str, *, mode: int = 0, flags: int = 0) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for file, data in FILES.items():
            opened.writestr(file, data)
        info = zipfile.ZipInfo("N" * len(name))
        info.external_attr = mode << 16
        opened.writestr(info, b"x")
    data = content.getvalue().replace(b"N" * len(name), name.encode())
    if flags:  # of the last entry, in the list at the end
        at = data.rindex(b"PK\x01\x02") + 8
        data = data[:at] + struct.pack("<H", flags) + data[at + 2 :]
    return data


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (with_entry("../x"), r"'\.\./x' in it would lie outside; nothing was taken"),
        (with_entry("a/../../x"), "would lie outside"),
        (with_entry("/x"), "would lie outside"),
        (with_entry("\\x"), "would lie outside"),
        (with_entry("..\\x"), "would lie outside"),
        (with_entry("C:x"), "would lie outside"),
        (with_entry("link", mode=stat.S_IFLNK | 0o777), "is no plain file"),
        (with_entry("pipe", mode=stat.S_IFIFO | 0o600), "is no plain file"),
        (with_entry("secret", flags=1), "is encrypted"),
        (zipped({**FILES, "a-file.dat": A + b"x" * 10**7}), r"a-file\.dat in it takes .* bytes, expected .* at most"),
        (zipped({**FILES, "a-file.dat": B}), rf"has the SHA-256 {sha256(B)}, expected {sha256(A)}"),
        (zipped({**FILES, "other/a-file.dat": A}), "holds 2 files named a-file.dat"),
        (zipped({"b.dat": B}), "holds no files named a-file.dat"),
        (zipped(FILES)[:-30], "is no zip that can be read"),
        (b"no zip", "is no zip that can be read"),
        (zipped(FILES).replace(b"a-file.dat", b"a-file.dat" + bytes(9), 1), "is no zip that can be read"),
        (_flipped(zipped(FILES), 200), "is no zip that can be read|has the SHA-256"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value[:30],
)  # fmt: skip
def test_zips_that_are_refused(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, words: str
) -> None:
    """Each is the one whose digest the catalog knows, so that only what is in it speaks against it."""
    in_zip(server, monkeypatch, data)
    with pytest.raises(DownloadError, match=words) as told:
        models.pull("a", accept_license=True)
    assert "\n" not in str(told.value)
    assert not any(path.suffix == ".dat" or path.name.startswith(".a") for path in cache.rglob("*"))
    assert not (cache.parent.parent / "x").exists()


def test_another_zip_is_not_opened(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_zip(server, monkeypatch, zipped(FILES))
    server.served["/pack.zip"].data = zipped({**FILES, "more.txt": b"y"})
    monkeypatch.setattr("pyface.models.archives.zipfile.ZipFile", None)
    with pytest.raises(DownloadError, match="it was removed"):
        models.pull("a", accept_license=True)
    assert not list(cache.glob("*.zip*"))


def test_a_full_disk_while_unpacking_costs_no_second_transfer(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_zip(server, monkeypatch, zipped(FILES))
    with monkeypatch.context() as patch:
        patch.setattr("pyface.models.archives.os.fsync", _full)
        with pytest.raises(DownloadError, match="No space left on device"):
            models.pull("a", accept_license=True)
    assert not list(cache.glob("a/*.dat")) and (cache / "pack.zip").is_file()
    models.pull("a", accept_license=True)
    assert len(server.requests) == 1 and not (cache / "pack.zip").exists()


def _full(_: int) -> None:
    raise OSError(28, "No space left on device")


def test_the_licence_is_accepted_once(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.served["/five.dat"] = Served(A)
    limited = spec("five", A, url=server.url("/five.dat"), **LIMITED)
    weight_server.install(monkeypatch, limited)
    with pytest.raises(ModelFileError, match=r"pyface models pull five --accept-license \(its licence: for research"):
        models.load("five")
    with pytest.raises(LicenseError, match=r"for research only, https://example\.org/terms; .* pull five --accept-lic"):
        models.pull("five")
    for words in ("no", "yes", 1):
        with pytest.raises(TypeError, match="accept_license must be True or False"):
            models.pull("five", accept_license=words)  # type: ignore[arg-type]
    assert server.requests == [] and not cache.exists()
    models.pull("five", accept_license=True)
    models.pull("five")
    models.load("five")
    record = cache / "five" / "record.json"
    weight_server.install(monkeypatch, spec("five", A, url=limited.url, **{**LIMITED, "license": "other terms"}))
    for ask in (models.load, models.pull, models.paths):
        with pytest.raises(LicenseError, match="other terms"):
            ask("five")
    models.pull("five", accept_license=True)
    assert json.loads(record.read_text())["license"] == "other terms" and len(server.requests) == 1
    for damage in ("", "[]", json.dumps({**json.loads(record.read_text()), "accepted": "yes"})):
        record.write_text(damage)
        with pytest.raises(LicenseError):
            models.load("five")


def test_free_weights_need_no_consent(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.served["/five.dat"] = Served(A)
    weight_server.install(monkeypatch, spec("five", A, url=server.url("/five.dat")))
    models.pull("five")
    (cache / "five" / "record.json").unlink()
    assert models.load("five").name == "five"


def test_a_pack_that_was_not_pulled_is_told_by_its_name(cache: Path) -> None:
    for name, options in (("buffalo_l", {}), ("antelopev2", {"embedder": False})):
        with pytest.raises(ModelFileError, match=f"pyface models pull {name} --accept-license"):
            FaceAnalyzer(name, **options)
    with pytest.raises(ModelFileError, match="pyface models pull det_10g --accept-license"):
        models.load("det_10g")


@pytest.mark.parametrize("nested", ["", "pack", "deep/pack"])
def test_from_a_folder_of_the_users(cache: Path, server: Server, tmp_path: Path, monkeypatch, nested: str) -> None:
    in_zip(server, monkeypatch, zipped(FILES))
    there = tmp_path / "theirs"
    (there / nested).mkdir(parents=True)
    for name in ("a-file.dat", "b.dat", "c.dat"):
        (there / nested / name).write_bytes(FILES[name])
    with pytest.raises(LicenseError):
        models.pull("pack", source=there)
    if nested.startswith("deep"):
        with pytest.raises(ModelFileError, match=r"theirs: holds nothing .* is a\.dat or a-file\.dat or pack\.zip"):
            models.pull("pack", source=there, accept_license=True)
        return
    models.pull("pack", source=there, accept_license=True)
    with pytest.raises(ModelFileError, match=r"c could be taken from, which is pack\.zip$"):
        models.pull("c", source=there, accept_license=True)  # nothing says what it should be
    shutil.rmtree(there)
    assert models.load("a").name == "a"
    assert json.loads((cache / "a" / "record.json").read_text())["from"] == str(there / nested / "a-file.dat")
    assert not (cache / "a" / "a.dat").is_symlink()
    assert server.requests == []


def test_a_pack_from_a_place_brings_what_its_archive_would(
    cache: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_zip(server, monkeypatch, zipped(FILES))
    (tmp_path / "pack.zip").write_bytes(zipped(FILES))
    models.pull("pack", source=tmp_path, accept_license=True)
    assert all((cache / name).exists() for name in "abc") and server.requests == []
    assert models.load("c").name == "c"


def test_from_a_file_or_a_zip(cache: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_zip(server, monkeypatch, zipped(FILES))
    named_so = tmp_path / "anything.bin"
    named_so.write_bytes(A)
    models.pull("a", source=named_so, accept_license=True)
    assert models.load("a").name == "a"
    with pytest.raises(ModelFileError, match=rf"anything.bin: its SHA-256 is {sha256(A)}, expected {sha256(B)} or"):
        models.pull("b", source=str(named_so), accept_license=True)
    (tmp_path / "b.dat").write_bytes(b"damaged")
    with pytest.raises(ModelFileError, match=r"b\.dat: its SHA-256 .* for b; it was not taken"):
        models.pull("b", source=tmp_path, accept_license=True)
    (tmp_path / "pack.zip").write_bytes(zipped(FILES))
    models.pull("c", source=tmp_path, accept_license=True)
    assert models.load("c").name == "c" and not (cache / "b").exists()
    with pytest.raises(FileNotFoundError, match="nowhere: no such file or folder"):
        models.pull("b", source=tmp_path / "nowhere", accept_license=True)
    with pytest.raises(ValueError, match="comes with a package"):
        models.pull("sface", source=tmp_path)
    assert server.requests == []


def test_what_is_at_no_address_is_brought(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weight_server.install(monkeypatch, spec("five", A))
    with pytest.raises(ModelFileError, match=r"at no address that is known; bring it with: .* five --from PATH"):
        models.pull("five")
    (tmp_path / "five.dat").write_bytes(A)
    models.pull("five", source=tmp_path)
    assert models.load("five").name == "five"


def test_the_bytes_that_were_checked_are_those_that_are_loaded(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is another one by the time its digest is known."""
    server.served["/five.dat"] = Served(A)
    weight_server.install(monkeypatch, spec("five", A, url=server.url("/five.dat")))
    models.pull("five")
    image, box = np.random.default_rng(0).integers(0, 256, (80, 80), dtype=np.uint8), [(9, 9, 70, 70)]
    wanted = models.load("five").locate(image, box).points
    path, digest = cache / "five" / "five.dat", pulled.hashlib.sha256

    def changing(data: bytes) -> Any:
        path.write_bytes(B)
        return digest(data)

    for built in cache.parent.glob("*.bin"):
        built.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(pulled.hashlib, "sha256", changing)
        model = models.load("five")
    assert path.read_bytes() == B
    np.testing.assert_array_equal(model.locate(image, box).points, wanted)
    with pytest.raises(ModelFileError, match="is not the file that five needs"):
        models.load("five")


def test_paths(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_zip(server, monkeypatch, zipped(FILES))
    with pytest.raises(ModelFileError, match="pyface models pull pack --accept-license"):
        models.paths("pack")
    with pytest.raises(ModelFileError, match="are not here"):
        models.verify("pack")
    models.pull("pack", accept_license=True)
    assert models.paths("pack") == (cache / "a" / "a.dat", cache / "b" / "b.dat")


@pytest.mark.parametrize(
    ("name", "words"), [("bufalo_l", "'buffalo_l'"), ("w600k-r50", "'w600k_r50'"), ("zzz", "Known")]
)
def test_names_like_it(name: str, words: str) -> None:
    with pytest.raises(errors.ModelNotFoundError, match=words):
        models.pull(name)
    with pytest.raises(errors.ModelNotFoundError, match=r"there is: opencv, dlib, buffalo_l.*did you mean 'buffalo_l'"):
        FaceAnalyzer("bufalo_l")


def test_all_that_a_family_has_to_be_told(cache: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options of an entry go to the family, and what a caller says goes first."""
    from pyface.models.base import Options
    from pyface.models.dlib import loading

    server.served["/five.dat"] = Served(A)
    monkeypatch.setattr(loading, "OPTIONS", {"dlib_5": frozenset({"flip", "normalization"})})
    about = {"url": server.url("/five.dat"), "options": Options(normalization="raw", flip=True)}
    weight_server.install(monkeypatch, spec("five", A, **about))
    models.pull("five")
    assert models.load("five").origin.options == Options(normalization="raw", flip=True)
    assert models.load("five", flip=False).origin.options == Options(normalization="raw", flip=False)


def test_a_real_file_by_its_digest(cache: Path) -> None:
    """SCRFD of insightface's small pack, which the shared data have under another name."""
    folder = Path(os.environ.get("PYFACE_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "models"
    if not (folder / "scrfd_500m.onnx").is_file():
        pytest.skip(f"no scrfd_500m.onnx in {folder} (PYFACE_SHARED names the folder of the shared data)")
    assert "det_500m" in models.inspect(folder / "scrfd_500m.onnx").known_as
    (path,) = models.pull("det_500m", source=folder / "scrfd_500m.onnx", accept_license=True)
    assert path == cache / "det_500m" / "det_500m.onnx"
    chain = FaceAnalyzer(detector="det_500m", landmarks="detector", embedder=False, n_threads=1).chain
    assert chain.scheme == "arcface-5" and chain.settings()["detector"] == "det_500m"
    assert "detector_family" not in chain.settings()
