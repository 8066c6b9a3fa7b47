"""The slider's page: what it knows is what `recluster` makes, at every threshold; its size, its words, its absence."""

from __future__ import annotations

import re
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from album.records import two_to_a_photo, write_record
from hypothesis import given
from hypothesis import strategies as st
from report.live_pages import as_album, assert_same, known_in, mixed_record
from report.report_samples import NASTY_NAMES, Page, people, person, summary

from pyface import load_album
from pyface.album import other_thresholds
from pyface.album.other_thresholds import OtherThresholds, Stop
from pyface.report import ReportLive, render_report
from pyface.report.folder import recluster_photos, save_album
from pyface.report.live import live_of
from pyface.report.text import showable

POSITIONS = 20


def with_answers(out: Path) -> None:
    """Names, of which one is given twice, pairs that are two people or one, a person hidden, a face of nobody."""
    album = load_album(out)
    by_size = [int(some[0]) for some in album.people()]
    album = album.name(int(album.labels[by_size[0]]), "Zoë <b>")
    album = album.name(int(album.labels[by_size[1]]), "Ann")
    album = album.name(int(album.labels[by_size[5]]), "Ann", another=True)
    album = album.different([by_size[0]], [by_size[2]])
    album = album.different([int(album.people()[3][0])], [int(album.people()[3][1])])
    album = album.same([by_size[1], by_size[-1]])
    album = album.hide([by_size[4]])
    save_album(album.nobody([by_size[-2]]))


@pytest.mark.parametrize(
    "options",
    [
        {}, {"algorithm": "complete", "threshold": 0.4}, {"algorithm": "dbscan"},
        {"same_photo_different_people": False, "min_quality": 0.2},
    ],
    ids=["default", "complete", "dbscan", "other rules"],
)  # fmt: skip
def test_twenty_positions_are_those_of_recluster(tmp_path: Path, options: dict[str, object]) -> None:
    out = mixed_record(tmp_path / "out", 7, 120)
    recluster_photos(out, **options)
    with_answers(out)
    thresholds, own, known = known_in((out / "report.html").read_text(encoding="utf-8"))
    assert_same(known[own], as_album(load_album(out)))
    assert any(known[own].names) and any(known[own].aside) and any(known[own].hidden)
    places = np.unique(np.linspace(0, len(thresholds) - 1, POSITIONS).round().astype(int))
    assert len(places) == POSITIONS
    partitions = set()
    for place in places:
        again = tmp_path / "again"
        shutil.copytree(out, again)
        given = {**options, "threshold": float(thresholds[place])}
        assert_same(known[place], as_album(recluster_photos(again, **given)))
        partitions.add(known[place].labels.tobytes())
        shutil.rmtree(again)
    assert len(partitions) > POSITIONS / 2


@pytest.mark.parametrize("is_hidden", [True, False])
def test_of_a_large_album_the_numbers_are_those_of_recluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_hidden: bool
) -> None:
    out = mixed_record(tmp_path / "out", 7, 120)
    recluster_photos(out)
    with_answers(out)
    if not is_hidden:
        save_album(load_album(out).show(np.flatnonzero(load_album(out).hidden)))
        assert not load_album(out).hidden.any()
    monkeypatch.setattr(other_thresholds, "MOST_FACES", 20)
    monkeypatch.setattr(other_thresholds, "_MOST_NUMBERS", 0)
    album = load_album(out)
    save_album(album)
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    slider = page.by_id("threshold").attributes
    thresholds, counts = slider["data-thresholds"].split(), [int(n) for n in slider["data-counts"].split()]
    assert album.set_aside.any() and counts[int(slider["data-own"])] == album.n_people
    assert len(set(counts)) > len(counts) / 2 > 2
    again = tmp_path / "again"
    shutil.copytree(out, again)
    assert counts == [recluster_photos(again, threshold=float(threshold)).n_people for threshold in thresholds]
    assert "live-changes" not in [e.attributes.get("id") for e in page.elements]
    assert "faces stay" in page.by_id("live-hint").text


def test_numbers_that_were_kept_are_no_matter(tmp_path: Path) -> None:
    """After an answer people keep numbers that are not by size; what is known elsewhere does not change by that."""
    out = mixed_record(tmp_path / "out", 7, 60)
    album = recluster_photos(out)
    save_album(album.same([int(album.people()[-1][0]), int(album.people()[-2][0])]))
    album = load_album(out)
    assert not np.array_equal(as_album(album).labels, album.labels)
    thresholds, own, known = known_in((out / "report.html").read_text(encoding="utf-8"))
    assert_same(known[own], as_album(album))
    assert_same(known[0], as_album(recluster_photos(out, threshold=float(thresholds[0]))))


@given(st.data())
def test_what_is_written_is_what_is_read(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 300))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    stops = []
    for _ in range(data.draw(st.integers(2, 5))):
        people = rng.integers(0, rng.integers(1, n + 1), n)
        _, smallest, inverse = np.unique(people, return_index=True, return_inverse=True)
        first = smallest[inverse].astype(np.int64)
        aside, hidden = rng.random(n) < 0.2, rng.random(n) < 0.2
        named = {int(face): NASTY_NAMES[rng.integers(len(NASTY_NAMES))] for face in smallest if rng.random() < 0.3}
        stops.append(Stop(first, aside[first], hidden[first], {face: name for face, name in named.items() if name}))
    texts = tuple(f"0.{i + 1}" for i in range(len(stops)))
    live = live_of(OtherThresholds(texts, 1, iter(stops)))
    thresholds, own, known = known_in(render_report(summary(), [person(0, 2)], live=live))
    assert (thresholds, own) == (list(texts), 1)
    for stop, found in zip(stops, known, strict=True):
        # The largest first, then the smallest face: as numbers are.
        order = sorted(set(stop.first.tolist()), key=lambda face: (-np.count_nonzero(stop.first == face), face))
        assert found.labels.tolist() == [order.index(face) for face in stop.first.tolist()]
        assert (found.aside, found.hidden) == (stop.is_aside.tolist(), stop.is_hidden.tolist())
        assert found.names == [showable(stop.named.get(face, "")) for face in stop.first.tolist()]


def test_the_page_grows_by_a_few_bytes_a_face(tmp_path: Path) -> None:
    out = mixed_record(tmp_path / "out", 11, 400)
    album = recluster_photos(out)
    text = (out / "report.html").read_text(encoding="utf-8")
    thresholds, _, known = known_in(text)
    n_changes = sum(np.count_nonzero(a.labels != b.labels) for a, b in pairwise(known))
    assert n_changes > len(album.faces)
    changes = Page(text).by_id("live-changes").text
    assert len(changes) < 20 * len(album.faces) + 4 * len(thresholds)
    assert len(changes) < 0.02 * len(text)


def live(end: str = "") -> ReportLive:
    stops = [Stop(np.zeros(9, np.int64), np.zeros(9, bool), np.zeros(9, bool), {}) for _ in range(3)]
    return live_of(OtherThresholds(("0.5", "0.55", "0.6"), 1, iter(stops), end))


def test_the_slider_is_one_labelled_control() -> None:
    page = Page(render_report(summary(), people(), live=live()))
    slider = page.by_id("threshold")
    assert (slider.attributes["type"], slider.attributes["value"], slider.attributes["max"]) == ("range", "1", "2")
    (label,) = [e for e in page.all("label") if e.attributes.get("for") == "threshold"]
    assert label.text == "Threshold 0.55"
    assert page.by_id("live-count").tag == "output" and page.by_id("live-count").text == "5 people"
    assert "0.5 to 0.6" in page.by_id("live-hint").text and "Beyond" not in page.by_id("live-hint").text
    assert (
        "Beyond <that>." in Page(render_report(summary(), people(), live=live("beyond <that>"))).by_id("live-hint").text
    )
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(set(ids)) == len(ids)
    # Groups that nobody is in have a place for those who come.
    assert "hidden" in page.by_id("aside").parent.attributes  # type: ignore[union-attr]


def test_nothing_is_loaded_and_the_policy_is_the_same() -> None:
    text = render_report(summary(), people(), live=live())
    policies = [
        re.sub("sha256-[^']*", "", e.attributes["content"])
        for page in (Page(text), Page(render_report(summary(), people())))
        for e in page.all("meta") if e.attributes.get("http-equiv") == "Content-Security-Policy"
    ]  # fmt: skip
    assert policies[0] == policies[1]
    assert not re.search(r"https?:|\bfetch\b|XMLHttpRequest|import\(|eval\(|innerHTML|style=", text)
    assert len(Page(text).all("script")) == 1


def test_the_command_says_what_else_was_asked_for(tmp_path: Path) -> None:
    out = write_record(tmp_path / "out", two_to_a_photo([0, 0, 1, 1, 2, 0]))

    def options(**given: object) -> str:
        recluster_photos(out, **given)
        return Page((out / "report.html").read_text()).by_id("threshold").attributes["data-options"]

    assert options() == options(threshold=0.2) == options(min_quality=0.015) == ""
    assert options(algorithm="dbscan") == "--algorithm dbscan"
    assert options(algorithm="single", same_photo_different_people=False, min_quality=0.5) == (
        "--algorithm single --no-same-photo-different-people --min-quality 0.5"
    )
    assert options(same_photo_different_people=True) == "--same-photo-different-people"


def test_where_there_is_no_slider_the_page_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = write_record(tmp_path / "out", two_to_a_photo([0, 0, 1, 1, 2, 0]))
    recluster_photos(out, n_clusters=3)
    page = Page((out / "report.html").read_text())
    assert not [e for e in page.all("input") if e.attributes.get("id") == "threshold"]
    assert "Not on this page: the number of people was given, not a threshold" in page.all("footer")[0].text
    monkeypatch.setattr(other_thresholds, "MOST_FACES", 5)
    recluster_photos(out, algorithm="single")
    assert "there are more than 5 faces" in Page((out / "report.html").read_text()).all("footer")[0].text
    for text in (render_report(summary(), people()), render_report(summary(n_faces=0, n_people=0), [], live=live())):
        assert "Other thresholds" not in text and "live-changes" not in [
            e.attributes.get("id") for e in Page(text).elements
        ]
