"""The page in a real browser: the script runs under the page's own policy, counts and filters, and says no error."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from report.report_samples import NASTY_NAMES, SKIPPED, Element, Page, named, people, summary
from server.chromium import Chromium

from pyface.report import ReportFace, ReportPerson, cap_people, render_report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium: chromium, chromium-browser, google-chrome")

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--enable-logging=stderr", "--dump-dom",
]  # fmt: skip


def opened(text: str, folder: Path, fragment: str = "") -> Page:
    """The page's elements after its script ran."""
    assert BROWSER is not None
    path = folder / "report.html"
    path.write_text(text, encoding="utf-8")
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", path.as_uri() + fragment]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder)}  # its crash reports do not go to the user's own
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", timeout=600, check=True, env=environment
    )
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not complaints
    page = Page(done.stdout)
    assert page.all("html")[0].attributes["data-ready"] == "1"
    return page


def visible(page: Page, cls: str) -> list[Element]:
    return [e for e in page.all(cls=cls) if not any("hidden" in up.attributes for up in e.chain())]


def counted(page: Page) -> tuple[int, int]:
    attributes = page.all("html")[0].attributes
    return int(attributes["data-people"]), int(attributes["data-faces"])


def test_people_and_faces_are_there(tmp_path: Path) -> None:
    page = opened(render_report(summary(), people(), SKIPPED), tmp_path)
    assert counted(page) == (5, 9)
    assert len(visible(page, "face")) == 9
    assert page.by_id("status").text == "9 faces shown"
    # One stop for the Tab key in each of the four lists.
    stops = [b for b in page.all("button") if b.attributes.get("tabindex") == "0"]
    assert [e.parent.attributes["data-face"] for e in stops if e.parent] == ["0", "100", "200", "300"]


def test_unsure_filter(tmp_path: Path) -> None:
    page = opened(render_report(summary(), people()), tmp_path, "#unsure")
    assert [e.attributes["data-face"] for e in visible(page, "face")] == ["1", "300"]
    assert [e.attributes["id"] for e in visible(page, "person")] == ["person-0"]
    assert page.by_id("only-unsure").attributes["aria-pressed"] == "true"
    assert page.by_id("status").text == "2 of 9 faces shown"
    assert [e.text for e in page.all("span", "number") if e.parent and e.parent.tag == "h2"] == [
        "1 of 3 people",
        "1 of 2 people",
    ]


@pytest.mark.parametrize(
    ("find", "faces"), [("img_2", ["200", "201"]), ("DAY%201", ["100", "101"]), ("0001", ["1", "101", "201"])]
)
def test_find(tmp_path: Path, find: str, faces: list[str]) -> None:
    page = opened(render_report(summary(), people()), tmp_path, f"#find={find}")
    assert [e.attributes["data-face"] for e in visible(page, "face")] == faces
    assert "hidden" in page.by_id("nothing").attributes


def test_find_ignores_accents_and_says_when_nothing_matches(tmp_path: Path) -> None:
    text = render_report(summary(), named("Été/plage.jpg", "E\u0301te\u0301 2.jpg"))
    assert len(visible(opened(text, tmp_path, "#find=ete"), "face")) == 3
    page = opened(text, tmp_path, "#find=winter")
    assert not visible(page, "face") and not visible(page, "group")
    assert "hidden" not in page.by_id("nothing").attributes


def test_skipped_files_open_from_the_link(tmp_path: Path) -> None:
    text = render_report(summary(), people(), SKIPPED)
    assert "open" in opened(text, tmp_path, "#skipped").by_id("skipped").attributes


def test_nasty_names_run_nothing(tmp_path: Path) -> None:
    page = opened(render_report(summary(folder=NASTY_NAMES[0]), named(*NASTY_NAMES)), tmp_path)
    assert counted(page) == (2, len(NASTY_NAMES) + 1)
    assert len(page.all("script")) == 1


def test_nothing_to_show(tmp_path: Path) -> None:
    page = opened(render_report(summary(n_photos=3, n_faces=0, n_people=0), []), tmp_path)
    assert counted(page) == (0, 0)


def test_two_thousand_faces(tmp_path: Path) -> None:
    many = [
        ReportPerson(k, tuple(ReportFace(100 * k + i, f"{k}/{i}.jpg", 1.0) for i in range(n)), n)
        for k, n in enumerate([90] * 40 + [1] * 500)
    ]
    page = opened(render_report(summary(n_faces=4100, n_people=540), cap_people(many)), tmp_path)
    assert counted(page) == (540, 2000)
    assert page.by_id("status").text == "2,000 faces shown"


@pytest.mark.parametrize("width", [1100, 400])
def test_a_long_name_takes_three_lines_at_most(tmp_path: Path, width: int) -> None:
    name = "W" * 200
    several = ReportPerson(0, tuple(ReportFace(i, f"{i}.jpg", 0.9) for i in range(2)), 2, name=name)
    once = ReportPerson(1, (ReportFace(9, "9.jpg", 0.9),), 1, name=name)
    (tmp_path / "report.html").write_text(render_report(summary(), [several, once]), encoding="utf-8")
    lines = "(e => e.getBoundingClientRect().height / parseFloat(getComputedStyle(e).lineHeight))"
    with Chromium(tmp_path, width=width) as browser:
        browser.open((tmp_path / "report.html").as_uri())
        browser.wait_for("document.documentElement.dataset.ready")
        browser.run("document.querySelector('.face button').click()")
        for element in ("h3 .called", ".who", "#detail-name"):
            found = f"document.querySelector('{element}')"
            assert 1 <= browser.run(f"{lines}({found})") < 3.1, element
            assert browser.run(f"{found}.title") == name
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
