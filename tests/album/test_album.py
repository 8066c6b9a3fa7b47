"""A folder of photos and its people, with the default models: right, resumable, and the same however it is done."""

from __future__ import annotations

import csv
import json
import os
import stat
import threading
from pathlib import Path

import numpy as np
import photo_sets
import pytest
from numpy.testing import assert_array_equal

pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")

import pyface
from pyface.album import run
from pyface.errors import OutputFolderError, PyfaceError

FILES = ("faces.csv", "embeddings.npy", "summary.json", "report.html")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[str]]]:
    folder = tmp_path_factory.mktemp("photos")
    return folder, photo_sets.two_people(folder)


def results(out: Path) -> tuple[bytes, bytes]:
    return (out / "faces.csv").read_bytes(), (out / "embeddings.npy").read_bytes()


def test_two_people(photos: tuple[Path, dict[str, list[str]]], tmp_path: Path) -> None:
    folder, truth = photos
    out = tmp_path / "deep" / "out"
    seen: list[tuple[str, int, int]] = []
    album = pyface.cluster_photos(folder, out=out, progress=lambda *call: seen.append(call))

    with open(out / "faces.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["photo"] for row in rows] == [name for name in sorted(truth) for _ in truth[name]]
    assert [int(row["face_id"]) for row in rows] == list(range(8))
    person = {row["cluster"]: set() for row in rows}
    for row in rows:
        if len(truth[row["photo"]]) == 1:
            person[row["cluster"]].add(truth[row["photo"]][0])
    assert sorted(map(sorted, person.values())) == [["A"], ["H"]]
    assert person["0"] == {"A"}  # seen more often
    both = [row for row in rows if row["photo"] == "sub/both.jpg"]
    assert {row["cluster"] for row in both} == {"0", "1"}

    vectors = np.load(out / "embeddings.npy")
    assert vectors.dtype == np.float32
    assert vectors.shape == (8, 128)
    assert_array_equal(vectors, album.embeddings)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["counts"] == {
        "photos": 8, "photos_without_face": 1, "faces": 8, "people": 2, "people_seen_once": 0,
        "faces_set_aside": 0, "faces_hidden": 0, "close_calls": len(album.close_calls), "skipped": 0, "left_out": 0,
    }  # fmt: skip
    assert summary["settings"]["threshold"] == 0.55
    assert set(summary["models"]) == {"yunet", "mtcnn-onet", "sface"}
    assert album.n_people == 2
    assert [len(rows) for rows in album.people()] == [5, 3]
    assert ("photos", 8, 8) in seen
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    for name in FILES:
        assert stat.S_IMODE((out / name).stat().st_mode) == 0o600
    assert {path.name for path in out.iterdir()} == {*FILES, "work.sqlite"}


def test_astronaut_is_exact_with_dlibs_models(photos: tuple[Path, dict[str, list[str]]]) -> None:
    (face,) = pyface.FaceAnalyzer("dlib").analyze(photo_sets.astronaut())
    assert face.box.tolist() == [168, 69, 263, 164]
    assert face.score == pytest.approx(1.062512, abs=1e-5)
    assert face.landmarks is not None
    assert face.landmarks.tolist() == [[255, 104], [237, 105], [195, 101], [212, 103], [224, 135]]
    assert face.embedding is not None
    golden = [-0.06423, 0.02125, 0.02116, -0.06785, -0.15359, -0.02163, -0.04458, -0.11917]
    assert face.embedding[:8] == pytest.approx(golden, abs=1e-5)
    # The file on disk gives the same face.
    album = pyface.cluster_photos(photos[0], models="dlib")
    assert album.faces[0].photo == "a1.png"
    assert_array_equal(album.faces[0].face.embedding, face.embedding)


def test_threads_batches_and_memory_give_the_same_bytes(
    photos: tuple[Path, dict[str, list[str]]], tmp_path: Path
) -> None:
    folder, _ = photos
    want = None
    for n_threads, batch_size in [(1, 1), (2, 3), (5, 32)]:
        out = tmp_path / f"{n_threads}"
        album = pyface.cluster_photos(folder, out=out, n_threads=n_threads, batch_size=batch_size)
        want = want or results(out)
        assert results(out) == want
    in_memory = pyface.cluster_photos(folder)
    assert_array_equal(in_memory.embeddings, album.embeddings)
    assert_array_equal(in_memory.labels, album.labels)
    assert in_memory.thumbnails(range(8)) == album.thumbnails(range(8))


def test_goes_on_after_an_interruption(
    photos: tuple[Path, dict[str, list[str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, truth = photos
    pyface.cluster_photos(folder, out=tmp_path / "whole")
    out = tmp_path / "broken"
    monkeypatch.setattr(run, "SAVE_EVERY_PHOTOS", 1)

    def interrupt(stage: str, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    starts = []
    for _ in range(20):
        try:
            pyface.cluster_photos(folder, out=out, batch_size=1, n_threads=2, progress=interrupt)
            break
        except KeyboardInterrupt:
            starts.append(not (out / "faces.csv").exists())
    assert all(starts)
    assert 2 <= len(starts) <= len(truth) // 2
    assert results(out) == results(tmp_path / "whole")
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


def test_only_what_is_new_is_done(photos: tuple[Path, dict[str, list[str]]], tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    truth = photo_sets.two_people(folder)
    out = tmp_path / "out"

    def counted() -> int:
        counts: list[int] = []
        pyface.cluster_photos(
            folder, out=out, progress=lambda stage, _, total: counts.append(total) if stage == "photos" else None
        )
        return counts[-1]

    assert counted() == len(truth)
    first = results(out)
    assert counted() == 0
    assert results(out) == first
    photo_sets.save(folder / "new.png", photo_sets.hopper())
    assert counted() == 1
    assert len(results(out)[0].splitlines()) == len(first[0].splitlines()) + 1
    (folder / "new.png").unlink()
    assert counted() == 0
    assert results(out) == first
    os.utime(folder / "a1.png", ns=(1, 1))  # its bytes are the same
    assert counted() == 0
    assert results(out) == first


def test_settings_are_part_of_what_is_known(photos: tuple[Path, dict[str, list[str]]], tmp_path: Path) -> None:
    folder, _ = photos
    everyone = pyface.cluster_photos(folder, out=tmp_path / "out")
    fewer = pyface.cluster_photos(folder, out=tmp_path / "out", max_faces=1)
    assert len(everyone.faces) == 8
    assert len(fewer.faces) == 7
    by_area = {f.photo: (f.face.box[2] - f.face.box[0]) for f in fewer.faces}
    assert by_area["sub/both.jpg"] == max(
        f.face.box[2] - f.face.box[0] for f in everyone.faces if f.photo == "sub/both.jpg"
    )


def test_small_faces_need_min_face(tmp_path: Path) -> None:
    from PIL import Image

    small = Image.fromarray(photo_sets.astronaut()).resize((205, 205), Image.Resampling.LANCZOS)  # a face of 38 px
    wide = np.full((1500, 2000, 3), 120, np.uint8)
    wide[700:905, 1300:1505] = np.asarray(small)
    photo_sets.save(tmp_path / "wide.png", wide)
    assert len(pyface.cluster_photos(tmp_path, models="dlib").faces) == 0
    for models in ("dlib", "opencv"):
        album = pyface.cluster_photos(tmp_path, models=models, min_face=35)
        assert len(album.faces) == 1
        x1, y1, x2, y2 = album.faces[0].face.box
        assert 1300 + 60 < x1 < x2 < 1300 + 115
        assert 700 + 20 < y1 < y2 < 700 + 75


def test_trouble(tmp_path: Path) -> None:
    good, bad = photo_sets.trouble(tmp_path / "photos")
    album = pyface.cluster_photos(tmp_path / "photos", out=tmp_path / "out")
    assert {photo.name for photo in album.photos} == good
    assert {item.photo for item in album.skipped} == set(bad)
    for item in album.skipped:
        assert bad[item.photo] in item.reason
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {item["photo"] for item in summary["skipped"]} == set(bad)
    with open(tmp_path / "out" / "faces.csv", encoding="utf-8", errors="surrogateescape", newline="") as file:
        names = {row["photo"] for row in csv.DictReader(file)}
    assert names == {f.photo for f in album.faces}
    assert {os.fsdecode(name) for name in photo_sets.NASTY_NAMES} <= names
    assert "<script>alert" not in (tmp_path / "out" / "report.html").read_text()
    # The grey and the CMYK copies are the same person.
    assert album.n_people == 1


def test_a_photo_that_was_mended_is_read(tmp_path: Path) -> None:
    photo = photo_sets.save(tmp_path / "photos" / "a.png", photo_sets.astronaut())
    data = photo.read_bytes()
    photo.write_bytes(data[:1000])
    photo_sets.save(tmp_path / "photos" / "none.png", np.full((100, 100, 3), 90, np.uint8))
    assert len(pyface.cluster_photos(tmp_path / "photos", out=tmp_path / "out").skipped) == 1
    photo.write_bytes(data)
    album = pyface.cluster_photos(tmp_path / "photos", out=tmp_path / "out")
    assert (len(album.skipped), len(album.faces)) == (0, 1)


def test_no_faces(tmp_path: Path) -> None:
    photo_sets.save(tmp_path / "photos" / "none.png", np.full((100, 100, 3), 90, np.uint8))
    album = pyface.cluster_photos(tmp_path / "photos", out=tmp_path / "out")
    assert (len(album.photos), len(album.faces), album.n_people, album.people()) == (1, 0, 0, [])
    assert np.load(tmp_path / "out" / "embeddings.npy").shape == (0, 128)


def test_foreign_out_is_left_alone(photos: tuple[Path, dict[str, list[str]]], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "summary.json").write_text("{}")
    (tmp_path / "file").write_text("x")
    for out, reason in [
        ("mine", "not written by pyface"),
        ("file", "not a folder"),
        ("file/below", "cannot be written"),
    ]:
        with pytest.raises(OutputFolderError, match=reason):
            pyface.cluster_photos(photos[0], out=tmp_path / out)
    assert (tmp_path / "mine" / "summary.json").read_text() == "{}"


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"algorithm": "magic"}, ValueError, "algorithm must be one of average"),
        ({"algorithm": "kmeans"}, ValueError, "n_clusters"),
        ({"n_clusters": 3, "threshold": 0.3}, ValueError, "not both"),
        ({"algorithm": "dbscan", "same_photo_different_people": True}, ValueError, "average, complete, single can"),
        ({"threshold": -1}, ValueError, "threshold"),
        ({"threshold": float("nan")}, ValueError, "threshold"),
        ({"min_face": 1}, ValueError, "min_face"),
        ({"max_faces": 0}, ValueError, "max_faces"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"n_threads": 0}, ValueError, "n_threads"),
        ({"embedder": False}, ValueError, "embedder=False"),
        ({"embedder": "dlib-mmod"}, TypeError, "embedder must be"),
        ({"detector": "dlib-mmdo"}, PyfaceError, "dlib-mmod"),
        ({"models": "nothing"}, PyfaceError, "nothing"),
        ({"max_side": 3}, ValueError, "max_side"),
    ],
)
def test_bad_arguments(
    photos: tuple[Path, dict[str, list[str]]], tmp_path: Path, arguments: dict, error: type, match: str
) -> None:
    with pytest.raises(error, match=match):
        pyface.cluster_photos(photos[0], out=tmp_path / "out", **arguments)
    assert not list(tmp_path.glob("out/*.csv"))


def test_folder_must_exist(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="does not exist"):
        pyface.cluster_photos(tmp_path / "none", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_workers_do_not_outlive_the_run(photos: tuple[Path, dict[str, list[str]]]) -> None:
    pyface.cluster_photos(photos[0], n_threads=3)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pyface")]


def test_byte_budget() -> None:
    budget = run.ByteBudget(100)
    assert budget.take(1000) == 100  # alone
    taken = []
    waiting = threading.Thread(target=lambda: taken.append(budget.take(60)))
    waiting.start()
    waiting.join(0.05)
    assert not taken
    budget.give_back(100)
    waiting.join(5)
    assert taken == [60]


def test_numbers_of_numpy_and_names_as_bytes_are_accepted(
    photos: tuple[Path, dict[str, list[str]]], tmp_path: Path
) -> None:
    album = pyface.cluster_photos(
        os.fsencode(photos[0]), out=os.fsencode(tmp_path / "out"), threshold=np.float32(0.25), max_faces=np.int64(1)
    )
    settings = json.loads((tmp_path / "out" / "summary.json").read_text())["settings"]
    assert settings == album.settings
    assert settings["threshold"] == 0.25
    assert settings["providers"] is None
    assert "page" in album.seconds
    with pytest.raises(TypeError, match="threshold"):
        pyface.cluster_photos(photos[0], threshold=True)


def test_photos_that_go_away_are_listed(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        photo_sets.save(tmp_path / "photos" / name, photo_sets.astronaut()[::4, ::4])

    def remove(stage: str, done: int, total: int) -> None:
        (tmp_path / "photos" / "c.jpg").unlink(missing_ok=True)

    album = pyface.cluster_photos(tmp_path / "photos", progress=remove)
    assert [skipped.photo for skipped in album.skipped] == ["c.jpg"]
    assert album.skipped[0].reason == "No such file or directory"
