"""Photos into a gallery and out of it, by made-up models: a face is known by its colour."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")
pytest.importorskip("PIL.Image", reason="the extra 'models' is not installed")

import photo_sets
from made_up_models import ByColour, FivePoints, OneFace

from pyface.analysis.analyzer import FaceAnalyzer
from pyface.errors import EnrollError, GalleryError, NoPhotosError
from pyface.gallery import Gallery, analyzer_for, enroll_photos, identify_photos
from pyface.types import Detections

RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)
N_FACES = {"none": 0, "two": 2, "three": 3}


class SomeFaces(OneFace):
    """As many faces as the height of the picture says: 100 pixels and two for each; sizes differ."""

    def detect(self, image: Any, *, threshold: float | None = None, color: str = "rgb") -> Detections:
        n = (image.shape[0] - 100) // 2
        boxes = np.array([[20.0 * i, 0, 20.0 * i + 10 + 3 * (i % 2), 10] for i in range(n)]).reshape(n, 4)
        return Detections(boxes, np.linspace(1, 0.5, n).astype(np.float32))


class OfPlace(ByColour):
    """Besides the colour, where the face is."""

    def crop(self, image: Any, landmarks: Any, *, color: str = "rgb") -> Any:
        crops = super().crop(image, landmarks)
        crops[..., 1] += np.array([len(landmarks) > 1 and points[0, 0] > 20 for points in landmarks], np.uint8)[
            :, None, None
        ]
        return crops


def photo(path: Path, colour: tuple[int, int, int], n_faces: int = 1) -> Path:
    photo_sets.save(path, np.full((100 + 2 * n_faces, 120, 3), colour, np.uint8))
    return path


@pytest.fixture
def analyzer() -> FaceAnalyzer:
    return FaceAnalyzer(detector=SomeFaces(), landmarks=FivePoints(), embedder=OfPlace(), refine=False)


@pytest.fixture
def gallery(analyzer: FaceAnalyzer) -> Gallery:
    return Gallery(analyzer.chain.embedder)  # type: ignore[arg-type]


def test_a_folder_for_each_person(tmp_path: Path, gallery: Gallery, analyzer: FaceAnalyzer) -> None:
    for name, colour in (("Ann/1.png", RED), ("Ann/2020/x/2.png", (190, 5, 0)), ("Bob/1.png", BLUE)):
        photo(tmp_path / "people" / name, colour)
    (tmp_path / "people" / "Bob" / "notes.txt").write_text("no photo")
    (tmp_path / "people" / "Bob" / "broken.jpg").write_text("no photo")
    seen: list[tuple[int, int]] = []
    done = enroll_photos(
        gallery, analyzer, [tmp_path / "people"], progress=lambda _, n_done, total: seen.append((n_done, total))
    )
    assert (done.n_new, done.n_known, done.names) == (3, 0, ("Ann", "Bob"))
    assert [Path(item.photo).name for item in done.skipped] == ["broken.jpg"]
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert gallery.names == ("Ann", "Bob") and gallery.counts.tolist() == [2, 1]
    assert gallery.models["embedder"] == "by-colour"
    # The same photos again, and one that is new.
    photo(tmp_path / "people" / "Cy" / "1.png", GREEN)
    done = enroll_photos(gallery, analyzer, [os.fspath(tmp_path / "people")])
    assert (done.n_new, done.n_known, len(gallery)) == (1, 3, 3)


def test_one_face_is_wanted(tmp_path: Path, gallery: Gallery, analyzer: FaceAnalyzer) -> None:
    good, none, two = (photo(tmp_path / f"{name}.png", RED, N_FACES.get(name, 1)) for name in ("good", "none", "two"))
    for files, reason, hint in (
        ([good, none], "no face found", "skip=True"), ([two, good], "2 faces, and one is wanted", "largest=True"),
    ):  # fmt: skip
        with pytest.raises(EnrollError, match=reason) as caught:
            enroll_photos(gallery, analyzer, files, name="Ann")
        assert "1 photo does not show one face" in str(caught.value) and hint in str(caught.value)
        assert [(item.photo, item.reason) for item in caught.value.skipped] == [
            (str(next(file for file in files if file != good)), reason)
        ]
        assert len(gallery) == 0 and not gallery.models
    done = enroll_photos(gallery, analyzer, [none, two, good], name=" Ann ", skip=True)
    assert (done.n_new, done.names, len(done.skipped)) == (1, ("Ann",), 2)
    with pytest.raises(EnrollError, match="2 photos do not show one face"):
        enroll_photos(gallery, analyzer, [none, two], name="Ann")
    with pytest.raises(NoPhotosError, match="no photo with a face to enroll"):
        enroll_photos(gallery, analyzer, [none, two], name="Ann", skip=True)
    # The second face is the larger one.
    enroll_photos(gallery, analyzer, [two], name="Bob", largest=True)
    rows, owner = gallery._enrolled.all()
    np.testing.assert_array_equal(rows[owner == 1], [[200, 1, 0]])


def test_bad_input(tmp_path: Path, gallery: Gallery, analyzer: FaceAnalyzer) -> None:
    loose = photo(tmp_path / "people" / "loose.png", RED)
    for photos, name, message in (
        ([tmp_path / "people"], None, "lies in nobody's folder"),
        ([loose], None, "is a file; without name"),
        ([tmp_path / "no"], None, "does not exist; without name"),
        ([loose], "a\nb", "control character"),
    ):
        with pytest.raises(ValueError, match=message):
            enroll_photos(gallery, analyzer, photos, name=name)
    with pytest.raises(FileNotFoundError, match="no such file"):
        enroll_photos(gallery, analyzer, [tmp_path / "no"], name="Ann")
    with pytest.raises(TypeError, match="photos must be a list"):
        enroll_photos(gallery, analyzer, "people", name="Ann")
    with pytest.raises(TypeError, match="skip must be True or False"):
        enroll_photos(gallery, analyzer, [loose], name="Ann", skip=1)  # type: ignore[arg-type]
    photo(tmp_path / "named" / ("x" * 201) / "1.png", RED)
    with pytest.raises(ValueError, match="cannot be a person's: name has 201 characters"):
        enroll_photos(gallery, analyzer, [tmp_path / "named"])
    with pytest.raises(ValueError, match="the gallery is empty"):
        identify_photos(gallery, analyzer, [loose])
    other = Gallery("sface")
    for call in (enroll_photos, identify_photos):
        with pytest.raises(
            GalleryError, match="vectors of the embedder sface, which cannot be compared with those of by"
        ):
            call(other, analyzer, [loose])
        blind = FaceAnalyzer(detector=SomeFaces(), landmarks=FivePoints(), embedder=False)
        with pytest.raises(ValueError, match="analyzer has no embedder"):
            call(gallery, blind, [loose])


def test_who_is_in_photos(tmp_path: Path, gallery: Gallery, analyzer: FaceAnalyzer) -> None:
    enroll_photos(gallery, analyzer, [photo(tmp_path / "a.png", RED)], name="Ann")
    files = [photo(tmp_path / f"{name}.png", RED, N_FACES[name]) for name in ("two", "none")]
    files.append(photo(tmp_path / "blue.png", BLUE))
    (tmp_path / "broken.jpg").write_text("no photo")
    drawn: list[str] = []
    found, skipped = identify_photos(
        gallery, analyzer, [*files, tmp_path / "broken.jpg"], draw=lambda path, image, photo: drawn.append(path)
    )
    assert [Path(item.photo).name for item in found] == ["two.png", "none.png", "blue.png"]
    assert drawn == [str(file) for file in files] and len(skipped) == 1
    assert [item.found.names for item in found] == [("Ann", "Ann"), (), (None,)]
    assert found[0].found.distances.tolist() == [[0], [1]]
    enroll_photos(gallery, analyzer, [files[2]], name="Bob")
    found, _ = identify_photos(gallery, analyzer, [files[2]], threshold=0.5)
    assert found[0].found.candidates == (("Bob", "Ann"),)
    assert found[0].found.threshold == 0.5


def test_the_analyzer_of_a_gallery() -> None:
    gallery = Gallery("made-up", metric="cosine", threshold=1.0)
    with pytest.raises(GalleryError, match="made-up, which is no model that is known by name"):
        analyzer_for(gallery)
    model = ByColour()
    parts = {"detector": SomeFaces(), "landmarks": FivePoints()}
    assert analyzer_for(Gallery(model), embedder=model, **parts).chain.embedder is model
    with pytest.raises(GalleryError, match="cannot be compared with those of by-colour"):
        analyzer_for(gallery, embedder=model, **parts)
