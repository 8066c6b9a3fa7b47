"""The report's structure: what is shown where, what is said about what is not, and that nothing is loaded."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from report.report_samples import SKIPPED, Page, drawn_face, people, person, summary

from pyface.errors import MissingExtraError
from pyface.report import ReportFace, ReportPerson, ReportSkipped, page, render_report


@pytest.fixture(scope="module")
def text() -> str:
    return render_report(summary(), people(), SKIPPED)


@pytest.fixture(scope="module")
def parsed(text: str) -> Page:
    return Page(text)


def test_people_and_faces(parsed: Page) -> None:
    sections = parsed.all("section", "person")
    assert [s.attributes["id"] for s in sections] == ["person-0", "person-1", "person-2"]
    assert ["3 faces" in s.text for s in sections] == [True, False, False]
    faces = parsed.all("li", "face")
    assert [f.attributes["data-face"] for f in faces] == ["0", "1", "2", "100", "101", "200", "201", "300", "400"]
    assert [f.attributes["data-person"] for f in faces] == list("000112234")
    assert [f.attributes["id"] for f in parsed.all("li", "single")] == ["person-3", "person-4"]
    assert all(f.inside(**{"aria-labelledby": "once"}) for f in parsed.all("li", "single"))
    assert faces[1].attributes["data-photo"] == "day 0/IMG_0_0001.jpg"
    assert faces[1].attributes["data-score"] == "0.9900"


def test_pictures_are_inside_and_described(parsed: Page) -> None:
    images = parsed.all("img")
    assert len(images) == 9
    expected = "data:image/jpeg;base64," + base64.b64encode(drawn_face(0)).decode()
    assert images[0].attributes["src"] == expected
    assert images[0].attributes["alt"] == "Person 0 in day 0/IMG_0_0000.jpg"
    assert images[0].attributes["loading"] == "lazy"
    titles = [b.attributes["title"] for b in parsed.all("button") if "title" in b.attributes]
    assert titles[:2] == ["day 0/IMG_0_0000.jpg", "day 0/IMG_0_0001.jpg"]


def test_a_face_without_picture_has_an_outline() -> None:
    parsed = Page(render_report(summary(), [ReportPerson(7, (ReportFace(1, "a.jpg", 0.9),), 1)]))
    assert not parsed.all("img")
    (outline,) = [e for e in parsed.all("svg") if e.attributes.get("role") == "img"]
    assert outline.attributes["aria-label"] == "Person 7 in a.jpg, no picture"


def test_unsure_faces_are_told_in_words(parsed: Page) -> None:
    unsure = parsed.all("li", "unsure")
    assert [f.attributes["data-face"] for f in unsure] == ["1", "300"]
    for face in unsure:
        assert "Unsure: could also be person 3" in face.text
        assert "?" in face.text
    assert parsed.by_id("only-unsure").text.split()[-1] == "2"


def test_no_unsure_filter_without_unsure_faces() -> None:
    assert 'id="only-unsure"' not in render_report(summary(), [person(0, 2)])


def test_people_come_by_size_then_number() -> None:
    parsed = Page(render_report(summary(), [person(2, 1), person(5, 3), person(1, 3), person(0, 4)]))
    assert [s.attributes["id"] for s in parsed.all("section", "person")] == ["person-0", "person-1", "person-5"]


def test_privacy_notice_comes_first(parsed: Page) -> None:
    (notice,) = parsed.all("aside")
    assert "Keep this file private" in notice.text and "biometric data" in notice.text
    order = [id(e) for e in parsed.elements]
    assert order.index(id(notice)) < order.index(id(parsed.all("main")[0]))


def test_summary_and_skipped(parsed: Page) -> None:
    assert " ".join(parsed.all("h1")[0].text.split()) == "5 people in Holiday 2024"
    facts = [" ".join(e.text.split()) for e in parsed.elements if e.parent and "facts" in e.parent.classes]
    assert facts == ["9 faces", "40 photos", "6 without a face", "2 files skipped"]
    details = parsed.by_id("skipped")
    assert "2 files were skipped" in details.text
    for item in SKIPPED:
        assert item.photo in details.text and item.reason in details.text
    footer = parsed.all("footer")[0].text
    assert all(word in footer for word in ("dlib-mmod", "dlib-resnet", "average linkage", "0.281", "0.1.0"))
    assert "Made" not in footer
    assert "1 May 2025" in Page(render_report(summary(date="1 May 2025"), people())).all("footer")[0].text


def test_a_number_of_people_takes_the_place_of_a_threshold() -> None:
    asked = Page(render_report(summary(threshold=None, n_clusters=1200), people()))
    terms = [e.text for e in asked.all("dt")]
    assert "Threshold" not in terms
    assert terms.count("People asked for") == 1
    assert "1,200" in [e.text for e in asked.all("dd")]


def test_one_of_each_is_singular() -> None:
    text = render_report(summary(n_people=1, n_faces=1, n_photos=1), [person(0, 1)], SKIPPED[:1])
    for words in ("1 person", "1 face<", "1 photo<", "1 file skipped", "1 file was skipped"):
        assert words in text


def test_caps_are_said() -> None:
    text = render_report(summary(n_faces=10_432, n_people=31), [person(0, 4, n_faces=412), person(1, 1)])
    parsed = Page(text)
    assert "4 of 412 shown" in parsed.all("section", "person")[0].text
    (capped,) = parsed.all("p", "capped")
    assert capped.text == "This page shows 5 of 10,432 faces and 2 of 31 people. All of them are in faces.csv."
    assert parsed.all("p", "more")[0].text == "29 more people are not shown here."


def test_nothing_is_said_of_caps_that_did_not_bite(parsed: Page) -> None:
    assert not parsed.all("p", "capped") and not parsed.all("p", "more")
    assert " shown" not in parsed.all("main")[0].text


def test_long_lists_of_skipped_files_are_cut() -> None:
    skipped = [ReportSkipped(f"{i}.jpg", "unreadable") for i in range(page.MAX_SKIPPED + 234)]
    details = Page(render_report(summary(), people(), skipped)).by_id("skipped")
    assert "1,234 files were skipped" in details.text and "234 more are listed in summary.json" in details.text
    assert details.text.count("unreadable") == page.MAX_SKIPPED


@pytest.mark.parametrize(
    ("n_photos", "skipped", "title", "words"),
    [
        (0, [], "No photos", "no file that looks like a photo"),
        (0, SKIPPED, "No photos", "None of the files could be read"),
        (12, [], "No faces", "No face was found in 12 photos"),
    ],
)
def test_empty_states(n_photos: int, skipped: list[ReportSkipped], title: str, words: str) -> None:
    nothing = summary(n_photos=n_photos, n_photos_without_face=n_photos, n_faces=0, n_people=0)
    parsed = Page(render_report(nothing, [], skipped))
    (empty,) = [e for e in parsed.all("div", "empty") if "hidden" not in e.attributes]
    assert title in empty.text and words in empty.text
    assert " ".join(parsed.all("h1")[0].text.split()) == "No people in Holiday 2024"
    assert not parsed.all("li", "face") and not parsed.all("search")
    assert ("open" in parsed.by_id("skipped").attributes) if skipped else not parsed.all("details")


def test_accessible_skeleton(parsed: Page) -> None:
    assert parsed.all("html")[0].attributes["lang"] == "en"
    assert [len(parsed.all(tag)) for tag in ("h1", "header", "main", "footer")] == [1, 1, 1, 1]
    assert parsed.all("a")[0].attributes["href"] == "#people"
    ids = [e.attributes["id"] for e in parsed.elements if "id" in e.attributes]
    assert len(set(ids)) == len(ids)
    for e in parsed.elements:
        for reference in ("aria-labelledby",):
            assert e.attributes.get(reference, ids[0]) in ids
        href = e.attributes.get("href", "")
        if href.startswith("#"):
            assert href[1:] in ids
    assert parsed.by_id("find").attributes["aria-label"]


def test_nothing_is_loaded_from_anywhere(text: str, parsed: Page) -> None:
    for e in parsed.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert re.match(r"(data:|#|$)", e.attributes.get(name, "")), (e.tag, name, e.attributes[name])
        assert "style" not in e.attributes
        assert not [name for name in e.attributes if name.startswith("on")]
    css = parsed.all("style")[0].text
    assert "url(" not in css and "@import" not in css
    assert not re.search(r"https?:|\bfetch\b|XMLHttpRequest|import\(|eval\(|innerHTML", text)


def test_policy_allows_this_style_and_script_only(parsed: Page) -> None:
    meta = {e.attributes.get("name") or e.attributes.get("http-equiv"): e.attributes for e in parsed.all("meta")}
    policy = meta["Content-Security-Policy"]["content"]
    rules = dict(rule.split(maxsplit=1) for rule in policy.split("; "))

    def source(tag: str) -> str:
        (element,) = parsed.all(tag)
        return "'sha256-" + base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode() + "'"

    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": source("style"),
        "script-src": source("script"),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert meta["referrer"]["content"] == "no-referrer"
    assert "noindex" in meta["robots"]["content"]


def test_same_input_same_text(text: str) -> None:
    assert render_report(summary(), iter(people()), iter(SKIPPED)) == text
    code = (
        f"import hashlib, sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "from report.report_samples import SKIPPED, people, summary\n"
        "from pyface.report import render_report\n"
        "print(hashlib.sha256(render_report(summary(), people(), SKIPPED).encode()).hexdigest())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == hashlib.sha256(text.encode()).hexdigest()


def test_a_person_needs_its_faces_counted() -> None:
    with pytest.raises(ValueError, match="n_faces: person 4 has 1 faces, n_faces says 0"):
        person(4, 1, n_faces=0)
    with pytest.raises(ValueError, match="n_faces"):
        ReportPerson(1, (), 0)


def test_missing_jinja_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    page._template.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"pyface-toolkit\[models\]"):
        render_report(summary(), [])
