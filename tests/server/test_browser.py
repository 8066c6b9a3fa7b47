"""The review in a real browser: by keyboard, by mouse, under the page's policy, and nothing asked of anybody else."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the extra 'review' is not installed")

from server.chromium import BROWSER, Chromium
from server.conftest import TRUTH
from server.pages import Client, reviewing, reviewing_apart

from pyface import load_album
from pyface.album.facts import Journal

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium: chromium, chromium-browser, google-chrome")

ANSWERED = "document.documentElement.dataset.answered"
KEY = "document.documentElement.dataset.key"


@pytest.fixture
def server(out: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr("pyface.server.app.GRACE_SECONDS", 600.0)  # a page is left and opened again
    with reviewing(out) as client:
        yield client
        monkeypatch.setattr("pyface.server.app.GRACE_SECONDS", 0.0)


@pytest.fixture
def page(server: Client, tmp_path: Path) -> Iterator[Chromium]:
    """The page, opened with the token; it must not complain nor ask anybody else for anything."""
    with Chromium(tmp_path) as browser:
        browser.open(f"http://{server.host}/?{server.token}")
        browser.wait_for("document.documentElement.dataset.ready")
        cookies = browser.call("Network.getCookies", urls=[f"http://{server.host}/"])["cookies"]
        assert [(cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies] == [(True, "Strict")]
        server.cookie = f"{cookies[0]['name']}={cookies[0]['value']}"
        yield browser
        assert not browser.complaints
        addresses = [address for address in browser.requests if not address.startswith(("data:", "about:"))]
        assert {address.partition("?")[0] for address in addresses} <= {
            f"http://{server.host}{path}" for path in ("/", "/do", "/tab")
        }
        assert browser.run("location.href") == f"http://{server.host}/"


@contextmanager
def serving(text: str) -> Iterator[str]:
    """The address of a page with this text, of another origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{other.server_address[1]}/"
        other.shutdown()
        thread.join()


def facts(out: Path) -> list[str]:
    return [fact.kind for fact in Journal(str(out / "facts.sqlite")).facts()]


def person_of(client: Client, face: int) -> dict[str, Any]:
    _, given = client.do("people", begin=0, find="")
    for person in given["people"]:
        found = client.do("person", person=person["face"])[1]
        if face in [entry["id"] for entry in found["faces"]]:
            return found
    raise AssertionError(face)


def open_person(page: Chromium, client: Client, face: int) -> int:
    number = int(person_of(client, face)["number"])
    page.click("#to-people")
    page.wait_for(f"document.querySelector('.person[data-person=\"{number}\"] .open')")
    page.click(f".person[data-person='{number}'] .open")
    page.wait_for(f"document.querySelector('#one-faces button[data-face=\"{face}\"]')")
    return number


def pressed(page: Chromium, key: str) -> None:
    """Press a key and wait until another question is open."""
    before = page.run(KEY)
    page.press(key)
    page.wait_for(f"{KEY} !== {before!r}")


def test_review_by_keyboard(page: Chromium, server: Client, out: Path) -> None:
    first = page.run(KEY)
    pressed(page, "s")
    pressed(page, "d")
    assert facts(out) == ["same", "different"]
    assert page.run(ANSWERED) == "2"
    pressed(page, "u")
    pressed(page, "u")
    assert facts(out) == []
    assert page.run(KEY) == first
    assert page.run("document.getElementById('message-text').textContent").startswith("taken back: that ")
    pressed(page, "K")  # Caps Lock
    assert facts(out) == [] and page.run(ANSWERED) == "0"
    assert "1 left open" in page.run("document.getElementById('progress-text').textContent")
    pressed(page, "u")
    assert page.run(KEY) == first


def test_a_key_pressed_twice_answers_once(page: Chromium, server: Client, out: Path) -> None:
    before = page.run(KEY)
    page.run(
        "(() => { for (let i = 0; i < 5; i++) document.body.dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'd', bubbles: true})); })()"
    )
    page.wait_for(f"{KEY} !== {before!r}")
    # Whatever is still in line is done before this is.
    pressed(page, "u")
    assert facts(out) == []


def test_all_questions_to_the_end(page: Chromium, server: Client, out: Path) -> None:
    while (key := page.run(KEY)) != "":
        _, state = server.do("question")
        assert state["question"]["key"] == key
        first, second = (TRUTH[row["faces"][0]["id"]] for row in state["question"]["rows"])
        pressed(page, "s" if first == second else "d")
    assert page.run("document.getElementById('nothing').hidden") is False
    assert page.run("document.getElementById('progress').getAttribute('aria-valuenow')") == "100"
    labels = {tuple(entry["id"] for entry in person_of(server, face)["faces"]) for face in range(len(TRUTH))}
    assert labels == {tuple(i for i, who in enumerate(TRUTH) if who == person) for person in range(4)}


def test_name_by_typing(page: Chromium, server: Client, out: Path) -> None:
    open_person(page, server, 0)
    page.click("#name")
    page.write("Zoë <img src=x onerror=alert(1)>")
    page.press("Enter")
    page.wait_for("document.getElementById('one-name').textContent.includes('Zoë <img')")
    assert person_of(server, 0)["name"] == "Zoë <img src=x onerror=alert(1)>"
    assert page.run("document.querySelectorAll('#one-name img').length") == 0
    # Keys typed into the field are text: no answer, no undo.
    page.click("#name")
    for key in "sdux":
        page.press(key)
    assert facts(out) == ["name"]


def test_a_long_name_takes_three_lines_at_most(page: Chromium, server: Client) -> None:
    name = "W" * 200
    for face in range(len(TRUTH)):
        server.do("name", person=face, name=name, another=True)
    open_person(page, server, 0)
    page.wait_for("document.querySelector('.targets .called')")
    for element in ("#one-name .called", ".targets .called"):
        found = f"document.querySelector('{element}')"
        height = f"{found}.getBoundingClientRect().height / parseFloat(getComputedStyle({found}).lineHeight)"
        assert 0.9 <= page.run(height) < 3.1
        assert page.run(f"{found}.title") == page.run(f"{found}.textContent") == name
    assert page.run("document.documentElement.scrollWidth <= innerWidth")


def test_two_of_one_name_are_asked_about(page: Chromium, server: Client, out: Path) -> None:
    server.do("name", person=1, name="Ada")
    open_person(page, server, 0)
    page.click("#name")
    page.write("Ada")
    page.press("Enter")
    page.wait_for("!document.getElementById('message-other').hidden")
    page.click("#message-other")
    page.wait_for("document.getElementById('one-name').textContent.includes('Ada')")
    assert person_of(server, 0)["number"] != person_of(server, 1)["number"]


def test_nobody_is_called_so(page: Chromium) -> None:
    page.click("#to-people")
    page.wait_for("document.querySelector('.person')")
    assert page.run("document.getElementById('no-match').hidden")
    page.click("#find")
    page.write("Zoë")
    page.wait_for("!document.getElementById('no-match').hidden")
    assert page.run("document.querySelector('.person')") is None


def test_that_they_are_one_may_overrule_that_they_are_two(page: Chromium, server: Client, out: Path) -> None:
    server.do("merge", people=[0, 11])
    server.do("split", faces=[11], overrule=True)
    server.do("name", person=0, name="Ada")
    open_person(page, server, 11)
    page.click("#name")
    page.write("Ada")
    page.press("Enter")
    page.wait_for("!document.getElementById('message-other').hidden")
    page.click("#message-do")
    page.wait_for("document.querySelectorAll('#message-faces img').length >= 2")
    page.click("#message-do")
    page.wait_for("document.getElementById('message').hidden")
    assert person_of(server, 0)["number"] == person_of(server, 11)["number"]


def test_merge_two_and_split_a_face_off_again(page: Chromium, server: Client, out: Path) -> None:
    numbers = [person_of(server, face)["number"] for face in (0, 11)]
    page.click("#to-people")
    page.wait_for("document.querySelector('.person')")
    for number in numbers:
        page.click(f".person[data-person='{number}'] input")
    assert page.run("document.getElementById('merge').textContent") == "Put 2 together"
    page.click("#merge")
    page.wait_for("document.getElementById('merge').disabled")
    assert person_of(server, 0)["number"] == person_of(server, 11)["number"]

    open_person(page, server, 11)
    page.click("#one-faces button[data-face='11']")
    page.press("x")
    # It was said to be the same: told at once, with the faces that contradict.
    page.wait_for("document.querySelectorAll('#message-faces img').length >= 2")
    assert facts(out) == ["same"]
    assert "were said to be one person" in page.run("document.getElementById('message-text').textContent")
    page.click("#message-do")
    page.wait_for("!document.querySelector('#one-faces button[data-face=\"0\"]') || "
                  "!document.querySelector('#one-faces button[data-face=\"11\"]')")  # fmt: skip
    assert person_of(server, 0)["number"] != person_of(server, 11)["number"]
    page.press("u")
    page.wait_for("document.querySelector('#one-faces button[data-face=\"11\"]') && "
                  "document.querySelector('#one-faces button[data-face=\"0\"]')")  # fmt: skip


def test_move_by_keyboard_and_by_dragging(page: Chromium, server: Client, out: Path) -> None:
    target = person_of(server, 1)["number"]
    open_person(page, server, 0)
    page.click("#one-faces button[data-face='0']")
    page.press("m")
    page.wait_for("document.querySelector('#choose-list button')")
    page.click("#choose-find")
    page.write(str(target))
    page.wait_for("document.querySelectorAll('#choose-list button').length === 1")
    page.click("#choose-list button")
    page.wait_for("!document.querySelector('#one-faces button[data-face=\"0\"]')")
    assert person_of(server, 0)["number"] == person_of(server, 1)["number"]

    page.press("Escape")
    page.wait_for("!document.getElementById('list').hidden")
    other = person_of(server, 11)["number"]
    open_person(page, server, 1)
    page.wait_for(f"document.querySelector('#targets li[data-person=\"{other}\"]')")
    page.call("Input.setInterceptDrags", enabled=True)
    page.run("scrollTo(0, 0)")
    x, y = page.middle("#one-faces button[data-face='1']")
    page.mouse("mousePressed", x, y)
    page.mouse("mouseMoved", x + 8, y + 8)
    page.mouse("mouseMoved", x + 20, y + 20)
    data = page.drag_data()
    x, y = page.middle(f"#targets li[data-person='{other}']")
    for kind in ("dragEnter", "dragOver", "drop"):
        page.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)
    page.mouse("mouseReleased", x, y, buttons=0)
    page.wait_for("!document.querySelector('#one-faces button[data-face=\"1\"]')")
    assert person_of(server, 1)["number"] == person_of(server, 11)["number"]


def test_hide_and_nobody(page: Chromium, server: Client, out: Path) -> None:
    open_person(page, server, 0)
    page.press("h")
    page.wait_for("document.getElementById('hide').textContent.includes('Show person')")
    assert person_of(server, 0)["state"] == "hidden"
    page.press("h")
    page.wait_for("document.getElementById('hide').textContent.includes('Hide person')")
    page.click("#one-faces button[data-face='0']")
    page.press("n")
    page.wait_for("document.querySelectorAll('#one-faces button[aria-pressed=\"true\"]').length === 0")
    assert person_of(server, 0)["state"] == "hidden" and person_of(server, 0)["n"] == 1


def test_a_page_of_another_site_changes_nothing(page: Chromium, server: Client, out: Path) -> None:
    """A form that posts here from another port, which cookies do not tell apart."""
    form = f"<form method=post action='http://{server.host}/do'><input name=do value=undo></form>"
    with serving(form + "<script>document.forms[0].submit()</script>") as other:
        page.open(other)
        page.wait_for_response(f"http://{server.host}/do", 403)
        page.requests.clear()
    page.open(f"http://{server.host}/")
    page.wait_for("document.documentElement.dataset.ready")
    assert facts(out) == []


def test_it_ends_with_its_tab(out: Path, tmp_path: Path) -> None:
    with reviewing_apart(out) as (client, process), Chromium(tmp_path) as browser:
        browser.open(f"http://{client.host}/?{client.token}")
        browser.wait_for("document.documentElement.dataset.ready")
        pressed(browser, "s")
        browser.close_tab()
        _, stderr = process.communicate()
        assert process.returncode == 0 and "1 answer recorded" in stderr
    with open(out / "faces.csv", newline="") as file:
        labels = [int(row["cluster"]) for row in csv.DictReader(file)]
    assert labels == load_album(out).labels.tolist()


def test_the_page_says_when_the_server_has_ended(out: Path, tmp_path: Path) -> None:
    with Chromium(tmp_path) as browser:
        with reviewing_apart(out) as (client, _):
            browser.open(f"http://{client.host}/?{client.token}")
            browser.wait_for("document.documentElement.dataset.ready")
        # It was killed, which the page finds out by itself; an answer that was on its way may be lost.
        browser.wait_for("!document.getElementById('ended').hidden")
        assert browser.run("document.getElementById('ended-lost').hidden")


def test_the_page_says_that_an_answer_may_be_lost(page: Chromium, server: Client) -> None:
    page.run("window.fetch = () => Promise.reject(new TypeError('no answer'))")
    page.press("s")
    page.wait_for("!document.getElementById('ended').hidden")
    assert not page.run("document.getElementById('ended-lost').hidden")
    page.complaints.clear()  # the error itself
