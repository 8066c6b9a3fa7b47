"""The slider in a real browser: faces go to whom `recluster` puts them with, also by keyboard; nothing is asked for."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from album.records import two_to_a_photo, write_record
from report.live_pages import Known, known_in, mixed_record
from report.test_live import with_answers
from server.chromium import BROWSER, Chromium

from pyface.album import other_thresholds
from pyface.report.folder import recluster_photos

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium: chromium, chromium-browser, google-chrome")

READY = "document.documentElement.dataset.ready"
# Of each face that is shown: its number, its person's, what that one is called, in which part of the page, how marked.
FACES = """Array.from(document.querySelectorAll(".face"), (item) => [
  +item.dataset.face, +item.dataset.person, item.dataset.called,
  item.closest(".group").getAttribute("aria-labelledby"), item.classList.contains("moved"),
  item.querySelector("img").alt])"""
# Of each person that is seen more than once: id, heading, line below it.
PEOPLE = """Array.from(document.querySelectorAll(".person"), (person) => [
  person.id, person.querySelector("h3").textContent, person.querySelector(".label p").textContent])"""
OWN = "Number(document.getElementById('threshold').dataset.own)"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Names, answers, faces set aside and hidden; and a folder that a shell would not take as it is."""
    out = mixed_record(tmp_path_factory.mktemp("Zoë's $photos") / "the out", 7, 120)
    recluster_photos(out)
    with_answers(out)
    return out


@pytest.fixture
def page(out: Path, tmp_path: Path) -> Iterator[Chromium]:
    with opened(out, tmp_path) as browser:
        yield browser
        assert not browser.complaints
        asked = [address for address in browser.requests if not address.startswith("data:")]
        assert set(asked) == {(out / "report.html").as_uri()}


def opened(out: Path, folder: Path, fragment: str = "") -> Chromium:
    browser = Chromium(folder)
    browser.open((out / "report.html").as_uri() + fragment)
    browser.wait_for(READY)
    return browser


def go(page: Chromium, place: int) -> None:
    """Move the slider, and wait until the page says that all of it is done."""
    page.run(
        "(() => { const slider = document.getElementById('threshold');"
        f" slider.value = '{place}'; slider.dispatchEvent(new Event('input', {{bubbles: true}})); }})()"
    )
    page.wait_for(f"document.documentElement.dataset.described === '{place}'")


def text(page: Chromium, name: str) -> str:
    return str(page.run(f"document.getElementById('{name}').textContent"))


def check(page: Chromium, known: Known, own: Known, photos_of_page: set[int]) -> None:
    """That the page shows these people, in its order, and marks who is with others than at its own threshold."""
    rows: list[list[Any]] = page.run(FACES)
    labels, sizes = known.labels, np.bincount(known.labels)
    assert {row[0] for row in rows} == {face for face in photos_of_page if not known.hidden[face]}
    moved = whoever_moved(own, known)
    for face, number, called, group, is_moved, words in rows:
        assert number == labels[face]
        name = known.names[face] or ("Face set aside" if known.aside[face] else f"Person {number}")
        assert (called, is_moved) == (name, bool(moved[face]))
        assert words.startswith(f"{name} in ")
        assert group == ("aside" if known.aside[face] else "several" if sizes[labels[face]] > 1 else "once")
    # The largest first, and whoever is set aside last; faces in the order of their numbers.
    order = [(known.aside[face], -int(sizes[labels[face]]), number, face) for face, number, *_ in rows]
    assert order == sorted(order)
    several = list(dict.fromkeys(row[1] for row in rows if row[3] == "several"))
    people = page.run(PEOPLE)
    assert [one[0] for one in people] == [f"person-{number}" for number in several]
    for (_, heading, line), number in zip(people, several, strict=True):
        name = next(known.names[row[0]] for row in rows if row[1] == number)
        assert heading == (f"{name} {number}" if name else f"Person {number}")
        n_shown = sum(row[1] == number for row in rows)
        assert line == (f"{n_shown} faces" if n_shown == sizes[number] else f"{n_shown} of {sizes[number]} shown")
    n_people = len({label for label, aside, hidden in zip(labels, known.aside, known.hidden, strict=True)
                    if not aside and not hidden})  # fmt: skip
    assert text(page, "live-count").startswith(f"{n_people} people (")
    assert text(page, "live-count").endswith(f"{moved.sum()} face{'s' if moved.sum() != 1 else ''} moved")
    stops = page.run(
        "Array.from(document.querySelectorAll('.faces'), (list) => "
        "[list.children.length, list.querySelectorAll('[tabindex=\"0\"]').length])"
    )
    assert all(n_stops == (1 if n_faces else 0) for n_faces, n_stops in stops)  # for the Tab key


def whoever_moved(own: Known, known: Known) -> np.ndarray:
    """Who is not with those with whom most of them were: pairs of people by common faces, then by smallest faces."""
    first = [{label: int(np.flatnonzero(some.labels == label)[0]) for label in some.labels} for some in (own, known)]
    pairs, counts = np.unique(np.stack([own.labels, known.labels]), axis=1, return_counts=True)
    common = [(-n, first[0][a], first[1][b], a, b) for (a, b), n in zip(pairs.T.tolist(), counts.tolist(), strict=True)]
    was: dict[int, int] = {}
    for *_, a, b in sorted(common):
        if a not in was.values() and b not in was:
            was[b] = a
    return np.array([was.get(b) != a for a, b in zip(own.labels.tolist(), known.labels.tolist(), strict=True)])


def test_people_are_those_of_recluster_wherever_the_slider_is(page: Chromium, out: Path) -> None:
    thresholds, own, known = known_in((out / "report.html").read_text(encoding="utf-8"))
    shown = {row[0] for row in page.run(FACES)}
    before = page.run("document.querySelector('main').innerText")
    rng = np.random.default_rng(0)
    places = [*range(0, len(thresholds), 4), *rng.permutation(len(thresholds)).tolist()[:12]]
    assert len(set(places) - {own}) >= 20
    for place in places:
        if place != own:
            go(page, place)
            check(page, known[place], known[own], shown)
            command = shlex.split(text(page, "command"))
            assert command == ["pyface", "recluster", str(out), "--threshold", thresholds[place]]
            assert text(page, "live-value") == thresholds[place]
    page.click("#live-reset")
    page.wait_for(f"document.documentElement.dataset.described === '{own}'")
    assert page.run("document.querySelector('main').innerText") == before
    assert not any(row[4] for row in page.run(FACES))
    assert page.run("document.getElementById('command').hidden && document.getElementById('live-reset').disabled")
    assert page.run("document.activeElement.id") == "threshold"


def test_of_a_large_album_numbers_move_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_thresholds, "MOST_FACES", 20)
    monkeypatch.setattr(other_thresholds, "_MOST_NUMBERS", 0)
    out = mixed_record(tmp_path / "out", 7, 120)
    album = recluster_photos(out)
    with opened(out, tmp_path) as page:
        thresholds, counts = (
            page.run(f"document.getElementById('threshold').dataset.{name}").split()
            for name in ("thresholds", "counts")
        )
        # Where it takes two lines, both are seen.
        page.call("Emulation.setDeviceMetricsOverride", width=760, height=700, deviceScaleFactor=1, mobile=False)
        line = "document.querySelector('.live-line')"
        assert page.run(f"{line}.getBoundingClientRect().height") > 40
        assert page.run(f"{line}.scrollHeight <= {line}.clientHeight")
        before = page.run(FACES), page.run(PEOPLE)
        n = int(counts[0]) - album.n_people
        assert n > 0
        go(page, 0)
        assert text(page, "live-count") == f"{counts[0]} people ({n} more)"
        assert shlex.split(text(page, "command")) == ["pyface", "recluster", str(out), "--threshold", thresholds[0]]
        assert (page.run(FACES), page.run(PEOPLE)) == before
        page.click("#live-reset")
        assert text(page, "live-count") == f"{album.n_people} people"
        assert not page.complaints


def test_by_keyboard(page: Chromium, out: Path) -> None:
    thresholds, own, known = known_in((out / "report.html").read_text(encoding="utf-8"))
    shown = {row[0] for row in page.run(FACES)}
    page.run("document.getElementById('threshold').focus()")
    place = own
    for key, code, then in (("ArrowRight", 39, own + 1), ("ArrowLeft", 37, own), ("End", 35, len(thresholds) - 1),
                            ("ArrowDown", 40, len(thresholds) - 2), ("Home", 36, 0), ("ArrowUp", 38, 1)):  # fmt: skip
        for kind in ("keyDown", "keyUp"):
            page.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)
        page.wait_for(f"document.documentElement.dataset.described === '{then}'")
        assert page.run("document.getElementById('threshold').getAttribute('aria-valuetext')") == thresholds[then]
        place = then
    check(page, known[place], known[own], shown)


def test_moved_only_and_finding(page: Chromium, out: Path) -> None:
    _, own, known = known_in((out / "report.html").read_text(encoding="utf-8"))
    place = len(known) - 1
    go(page, place)
    visible = "Array.from(document.querySelectorAll('.face:not([hidden])'), (item) => +item.dataset.face)"
    moved = {row[0] for row in page.run(FACES) if row[4]}
    assert 0 < len(moved) < len(page.run(visible))
    page.click("#only-moved")
    assert set(page.run(visible)) == moved
    assert text(page, "only-moved").split()[-1] == str(len(moved))
    page.click("#only-moved")
    # Names are those of now: of all faces of a person, and of nobody who has left.
    page.run("(() => { const find = document.getElementById('find'); find.value = 'zoe';"
             " find.dispatchEvent(new Event('input')); })()")  # fmt: skip
    for at in (place, 0, own):
        go(page, at)
        wanted = {face for face, name in enumerate(known[at].names) if name == "Zoë <b>" and not known[at].hidden[face]}
        assert set(page.run(visible)) == wanted and wanted
    # Away from it no filter of the page's own threshold holds.
    assert page.run("document.getElementById('only-moved').checkVisibility()") is False


def test_a_page_of_a_part_of_the_faces(tmp_path: Path) -> None:
    """What is not shown is counted all the same, and numbers are those of all."""
    truth = [0] * 70 + [1] * 6 + [2] * 3 + [3, 4, 5, 6, 7] * 2
    out = write_record(tmp_path / "out", two_to_a_photo(truth, shift=1.0))
    recluster_photos(out, same_photo_different_people=False, threshold=0.02)
    _, own, known = known_in((out / "report.html").read_text(encoding="utf-8"))
    assert len({some.labels.tobytes() for some in known}) > 5
    with opened(out, tmp_path, "#threshold=0.0298") as page:
        shown = {row[0] for row in page.run(FACES)}
        assert 0 < len(shown) < len(truth)
        page.wait_for("document.documentElement.dataset.described")
        place = int(page.run("document.getElementById('threshold').value"))
        check(page, known[place], known[own], shown)
        go(page, 0)
        check(page, known[0], known[own], shown)
        assert text(page, "command").endswith(
            " --no-same-photo-different-people --threshold " + text(page, "live-value")
        )


def test_regrouping_leaves_most_elements_where_they_are(page: Chromium) -> None:
    """A step of the slider puts those into other places who go to somebody else, and no others."""
    page.run(
        "(() => { for (const [kind, name] of [[Node, 'insertBefore'], [Element, 'moveBefore']]) {"
        " const put = kind.prototype[name]; if (put) kind.prototype[name] = function (node, at) {"
        " window.inserted += node.localName === 'li'; return put.call(this, node, at); }; } })()"
    )
    own = int(page.run(OWN))
    for step in (1, 3, -2, 0):
        page.run("window.inserted = 0")
        go(page, own + step)
        assert 0 < page.run("window.inserted") < len(page.run(FACES)) / 2
