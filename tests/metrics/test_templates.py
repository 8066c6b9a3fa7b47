"""IJB's files and its pooling of photos, frames and templates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pyface.metrics.verification import Templates, read_ijb_pairs, read_ijb_templates, tar_at_far

PHOTOS = "1.jpg 7 1\n2.png\t7\t1\n3.jpg 7 2\n4.jpg 3 9\n5.jpg 12 1\n"
PAIRS = "7 3 1\n3 12 0\n12 7 0\n\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "ijb.txt"
    path.write_text(text)
    return path


def test_pooling_by_loops(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    templates = Templates(tuple(map(str, range(60))), random.integers(0, 9, 60), random.integers(0, 4, 60))
    x = random.normal(size=(60, 5)) * 10.0 ** random.integers(-200, 200, (60, 1))
    want = []
    for t in range(9):
        media = []
        for m in sorted(set(templates.media[templates.templates == t])):
            frames = [v / abs(v).max() for v in x[(templates.templates == t) & (templates.media == m)]]
            media.append(np.mean([v / np.linalg.norm(v) for v in frames], axis=0))
        want.append(np.sum(media, axis=0) / np.linalg.norm(np.sum(media, axis=0)))
    pooled = templates.pool(x)
    assert pooled.dtype == np.float32
    np.testing.assert_allclose(pooled, want, atol=1e-7)
    assert templates.labels == tuple("012345678")


def test_the_files(tmp_path: Path) -> None:
    templates = read_ijb_templates(write(tmp_path, PHOTOS))
    assert templates.names == ("1.jpg", "2.png", "3.jpg", "4.jpg", "5.jpg")
    assert templates.templates.tolist() == [7, 7, 7, 3, 12]
    assert templates.media.tolist() == [1, 1, 2, 9, 1]
    assert templates.labels == ("3", "7", "12")
    x = np.array([[1, 0], [0, 1], [1, 0], [2, 0], [0, 5]], np.float32)
    pooled = templates.pool(x)
    np.testing.assert_allclose(pooled, [[1, 0], [3 / 10**0.5, 1 / 10**0.5], [0, 1]], rtol=1e-6)
    pairs = read_ijb_pairs(write(tmp_path, PAIRS))
    rows = pairs.rows(templates.labels)
    assert rows.tolist() == [[1, 0], [0, 2], [2, 1]]
    assert pairs.same.tolist() == [True, False, False]
    assert pairs.folds.tolist() == [0, 0, 0]
    assert tar_at_far(pooled, pairs=rows, same=pairs.same) == 1
    with pytest.raises(ValueError, match="1 photos of the pairs are not among them: 12"):
        pairs.rows(templates.labels[:2])


def test_empty_files(tmp_path: Path) -> None:
    empty = read_ijb_templates(write(tmp_path, ""))
    assert empty.pool(np.empty((0, 4), np.float32)).shape == (0, 4)
    assert len(read_ijb_pairs(write(tmp_path, "\n"))) == 0


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_ijb_templates, "1.jpg 7\n", "line 1: expected a name, a template and a medium, .* got '1.jpg 7'"),
        (read_ijb_templates, "1.jpg 7 1\n2.jpg seven 1\n", "line 2: expected"),
        (read_ijb_templates, "1.jpg 7 1\n\n2.jpg 7 1\n", "line 2: expected .* got ''"),
        (read_ijb_pairs, "7 3 1\n7 3 -1\n", "line 2: expected two templates"),
        (read_ijb_pairs, "7 3 2\n", "line 1: expected two templates, .* got '7 3 2'"),
        (read_ijb_pairs, "a 3 1\n", "line 1: expected"),
    ],
)
def test_files_that_are_not_ijbs(tmp_path: Path, read: Callable[[Path], object], text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"ijb.txt, {message}"):
        read(write(tmp_path, text))


def test_vectors_that_do_not_fit() -> None:
    templates = Templates(("a", "b"), np.array([4, 4]), np.array([0, 1]))
    with pytest.raises(ValueError, match="one row for each photo of the templates, 2, got 3"):
        templates.pool(np.ones((3, 2)))
    with pytest.raises(ValueError, match="X: row 1 is all zeros"):
        templates.pool(np.array([[1.0, 0], [0, 0]]))
    with pytest.raises(ValueError, match="vectors of template 4 cancel each other out"):
        templates.pool(np.array([[1.0, 0], [-2, 0]]))


def test_numbers_beyond_64_bits_and_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "templates.txt"
    path.write_text("a.jpg 1 2\nb.jpg 99999999999999999999 2\n")
    with pytest.raises(ValueError, match=r"templates\.txt, line 2: expected a name, a template and a medium"):
        read_ijb_templates(path)
    path.write_bytes(b"\xff.jpg 1 2\n")
    with pytest.raises(ValueError, match=r"templates\.txt: not a text in UTF-8"):
        read_ijb_templates(path)
