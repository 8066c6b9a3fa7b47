"""What a run leaves in the record so that the next one need not look at all pairs, and what it must not change."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from album.albums import FILES, contents, damage
from album.records import digest_of, face_record, two_to_a_photo, vectors, write_record
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import pyface
from pyface.album import basis, outputs
from pyface.album.forget import forget
from pyface.album.links import Heard, Spoken, links
from pyface.album.out_folder import write_files
from pyface.album.people import keep_numbers, number_by_size
from pyface.cluster import relabel
from pyface.report.folder import recluster_photos

TRUTH = [i % 7 for i in range(60)]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = write_record(tmp_path / "out", two_to_a_photo(TRUTH))
    recluster_photos(folder)
    return folder


@pytest.fixture
def from_scratch(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Takes note of how many faces are grouped from scratch."""
    seen: list[int] = []
    stand = basis.stand

    def noted(question: basis.Question, rules: basis.Links) -> basis.Standing:
        seen.append(len(question.space))
        return stand(question, rules)

    monkeypatch.setattr(basis, "stand", noted)
    return seen


def kept(out: Path) -> list[tuple[str, bytes]]:
    with sqlite3.connect(out / "work.sqlite") as record:
        rows = record.execute("SELECT faces, kept FROM standing").fetchall()
    record.close()
    return rows


@pytest.mark.parametrize("threshold", [None, 0.2, 0.1, 0.45])
def test_files_are_the_same_with_and_without_it(
    out: Path, tmp_path: Path, from_scratch: list[int], threshold: float | None
) -> None:
    album = pyface.load_album(out)
    album.different([0], [7])
    album.same([3, 4])
    album.nobody([11])
    other = Path(shutil.copytree(out, tmp_path / "other"))
    damage(other, "DELETE FROM standing")
    recluster_photos(out, threshold=threshold)
    assert from_scratch == ([60] if threshold == 0.45 else [])
    recluster_photos(other, threshold=threshold)
    assert len(from_scratch) == (2 if threshold == 0.45 else 1)
    assert contents(out) == contents(other)


def test_a_larger_threshold_stays_and_serves_smaller_ones(out: Path, from_scratch: list[int]) -> None:
    recluster_photos(out, threshold=0.4)
    (known,) = kept(out)
    for threshold in (0.1, 0.39, 0.4):
        recluster_photos(out, threshold=threshold)
    assert from_scratch == [60]
    assert kept(out) == [known]


def test_answers_in_several_processes_go_on_from_it(out: Path, from_scratch: list[int]) -> None:
    for pair in ([0, 1], [2, 10], [20, 33]):
        pyface.save_album(pyface.load_album(out).same(pair))
    assert from_scratch == []
    labels = pyface.load_album(out).labels
    assert labels[0] == labels[1]
    (first,) = kept(out)
    pyface.save_album(pyface.load_album(out))
    assert kept(out) == [first]


def test_other_faces_make_it_useless(out: Path, from_scratch: list[int]) -> None:
    rows = vectors([*TRUTH, 0, 1])
    write_record(out, {"zz.jpg": [face_record(rows[60]), face_record(rows[61], 1)]}, add=True)
    recluster_photos(out)
    assert from_scratch == [62]
    recluster_photos(out)
    assert from_scratch == [62]


@pytest.mark.parametrize("sql", ["UPDATE standing SET kept = x'00'", "UPDATE standing SET kept = x''",
                                 "UPDATE standing SET faces = 'others'"])  # fmt: skip
def test_where_it_is_damaged_nothing_is_lost(out: Path, from_scratch: list[int], sql: str) -> None:
    before = contents(out)
    damage(out, sql)
    recluster_photos(out)
    assert from_scratch == [60]
    assert contents(out) == before


def test_forgetting_drops_it(out: Path) -> None:
    assert kept(out)
    forget(out, face=3)
    assert kept(out) == []
    recluster_photos(out)
    assert kept(out)[0][0].split()[2] == "59"


def test_files_that_hold_the_same_bytes_are_left_alone(tmp_path: Path) -> None:
    write_files(str(tmp_path), {"a": b"one", "b": (b"tw", memoryview(b"o"))})
    assert [(tmp_path / name).read_bytes() for name in "ab"] == [b"one", b"two"]
    for name in "ab":
        os.utime(tmp_path / name, ns=(7, 7))
    write_files(str(tmp_path), {"a": b"one", "b": (b"two",)})
    assert [(tmp_path / name).stat().st_mtime_ns for name in "ab"] == [7, 7]
    (tmp_path / "a").chmod(0o644)  # not as it was written
    write_files(str(tmp_path), {"a": b"one", "b": b"tws"})
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "b").read_bytes() == b"tws"
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to(tmp_path / "b")
    write_files(str(tmp_path), {"a": b"tws"})
    assert not (tmp_path / "a").is_symlink()


def test_files_of_many_faces_are_as_their_modules_write_them(tmp_path: Path) -> None:
    faces = {name: [face_record(vectors([0])[0])] for name in ('a,b".jpg', "c\rd.jpg", "e f.jpg", "g\udcffh.jpg")}
    album = recluster_photos(write_record(tmp_path / "out", faces)).name(0, 'A, "B"')
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(outputs.COLUMNS)
    for i, (entry, state) in enumerate(zip(album.faces, album.states, strict=True)):
        row = [*outputs.box_and_score(entry.face), int(album.labels[i]), f"{album.quality[i]:.3f}"]
        writer.writerow([i, entry.photo, *row, album.persons[i], state])
    expected = text.getvalue().replace("\r\n", "\n").encode("utf-8", "surrogateescape")
    assert outputs.faces_csv(album) == expected
    data = io.BytesIO()
    np.save(data, album.embeddings)
    assert b"".join(outputs.embeddings_npy(album)) == data.getvalue()
    summary = outputs.summary_json(album)
    assert json.dumps(json.loads(summary), indent=1).encode() + b"\n" == summary


@pytest.mark.parametrize(("value", "text"), [(-0.004, "0.00"), (-0.006, "-0.01"), (10.5, "10.50"), (-10.0, "-10.00")])
def test_zero_has_no_sign(value: float, text: str) -> None:
    assert outputs.without_minus_zero(f"{value:.2f}") == text
    assert outputs.without_minus_zero(f"{value:.2f},{value:.2f},1") == f"{text},{text},1"


@given(
    old=st.lists(st.integers(-1, 6), min_size=1, max_size=30), seed=st.integers(0, 1000), share=st.floats(0, 1),
    far=st.sampled_from([1, 1000]),
)  # fmt: skip
def test_numbers_are_kept_as_relabel_keeps_them(old: list[int], seed: int, share: float, far: int) -> None:
    rng = np.random.default_rng(seed)
    before = np.array(old) * far
    before[before < 0] = -1
    now = number_by_size(np.where(rng.random(len(old)) < share, np.maximum(old, 0), rng.integers(0, 7, len(old))))
    assert_array_equal(keep_numbers(before, now), relabel(before, now) if (before >= 0).any() else now)


def test_one_fact_more_or_less_is_as_all_of_them_anew(out: Path) -> None:
    album = pyface.load_album(out)
    known = album._basis
    assert known is not None
    journal, rows, heard = known.journal, known.rows, Heard()
    steps = [
        lambda: album.same([0, 7, 14]), lambda: album.different([1], [2, 3]), lambda: album.name(0, "Ada"),
        lambda: album.nobody([9]), lambda: album.different([0], [7], overrule=True), album.undo,
        lambda: album.hide([20]), lambda: album.same([1, 2], overrule=True), lambda: album.show([9, 20]),
    ]  # fmt: skip
    for step in steps:
        step()
        got, want = links(journal, rows, heard), links(journal, rows)
        for name in ("together", "apart", "nobody", "hidden", "person", "broken"):
            assert_array_equal(getattr(got, name), getattr(want, name))
        assert (got.names, got.n_waiting) == (want.names, want.n_waiting)
        spoken = Spoken(journal.facts(), journal.keys(), rows, heard)
        assert spoken.broken() == Spoken(journal.facts(), journal.keys(), rows).broken()
    assert digest_of("000.jpg") == known.keys[0].digest
    assert {name for name in FILES if (out / name).exists()} == set(FILES)
