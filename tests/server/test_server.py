"""The server as a browser, a stranger and a hostile page meet it; and who else may use OUT meanwhile."""

from __future__ import annotations

import contextlib
import csv
import json
import signal
import socket
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the extra 'review' is not installed")
pytest.importorskip("uvicorn", reason="the extra 'review' is not installed")

from command_line import one_line, pyface, pyface_here
from server.pages import Client, reviewing, reviewing_apart

from pyface import load_album
from pyface.album.facts import Journal
from pyface.errors import MissingExtraError, OutputFolderError
from pyface.server.serve import PortInUseError, review


def n_facts(out: Path) -> int:
    return len(Journal(str(out / "facts.sqlite")).facts())


def test_the_token_is_traded_once_for_a_cookie(out: Path) -> None:
    with reviewing(out) as client:
        status, headers, body = client.ask("GET", f"/?{client.token}")
        assert (status, headers["Location"], body) == (303, "/", b"")
        cookie = headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
        assert client.ask("GET", f"/?{client.token}")[0] == 403  # a second browser
        client.cookie = cookie.split(";")[0]
        assert client.ask("GET", f"/?{client.token}")[:1] == (303,)  # this one, by its Back button
        status, headers, body = client.ask("GET", "/")
        assert status == 200 and b"<!doctype html>" in body
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert client.token.removeprefix("token=").encode() not in body


def test_only_this_machine_is_listened_to(out: Path) -> None:
    with reviewing(out) as client:
        address, port = client.host.split(":")
        assert address == "127.0.0.1"
        other = socket.socket()
        other.bind(("127.0.0.2", int(port)))  # would be taken if it listened everywhere
        other.close()


def test_strangers_get_nothing(out: Path) -> None:
    with reviewing(out) as client:
        client.enter()
        good = json.dumps({"do": "question"}).encode()
        stranger = Client(f"http://{client.host}/?token=guess")
        form = {"Content_Type": "application/x-www-form-urlencoded"}
        refused = [
            stranger.ask("GET", "/"),
            stranger.ask("GET", "/?token=guess"),
            stranger.ask("GET", "/?token="),
            stranger.ask("GET", "/tab"),
            stranger.ask("POST", "/do", good),
            stranger.ask("GET", "/", Cookie=client.cookie.rpartition("=")[0] + "=x"),
            # DNS rebinding: the cookie would not come along, but even if it did.
            client.ask("GET", "/", Host="evil.example"),
            client.ask("GET", "/", Host=f"localhost:{client.host.split(':')[1]}"),
            client.ask("GET", "/", Host=None),
            # Pages of other sites.
            client.ask("POST", "/do", good, Origin="https://evil.example"),
            client.ask("POST", "/do", b"do=undo", Origin="https://evil.example", **form),
            client.ask("POST", "/do", good, Origin="null"),
            client.ask("POST", "/do", good, Origin=None),
            client.ask("GET", "/", Origin="http://127.0.0.1:1"),
            # Paths and methods that are none.
            client.ask("GET", "/../../etc/passwd"),
            client.ask("GET", "/%2e%2e/%2e%2e/etc/passwd"),
            client.ask("GET", "/facts.sqlite"),
            client.ask("GET", "/do"),
            client.ask("OPTIONS", "/do", Origin=f"http://{client.host}"),
            client.ask("DELETE", "/", Origin=f"http://{client.host}"),
        ]
        # Without a Host HTTP/1.1 itself is broken.
        assert [status for status, _, _ in refused] == [400 if i == 8 else 403 for i in range(len(refused))]
        assert not [body for _, _, body in refused if b"person" in body.lower()]
        assert client.ask("POST", "/do", good)[0] == 200
    assert not (out / "facts.sqlite").exists()


def test_what_is_no_request_of_the_page_is_refused(out: Path, caplog: pytest.LogCaptureFixture) -> None:
    with reviewing(out) as client:
        client.enter()
        for body in (b"", b"\xff", b"[]", b"{}", b'{"do": 1}', b'{"do": "rm"}', b"[" * 50_000):
            assert client.ask("POST", "/do", body)[0] == 400
        for what, data in (
            ("answer", {"key": 3, "said": "same"}), ("name", {"person": "0", "name": "a"}), ("split", {"faces": "0"}),
            ("split", {"faces": [True]}), ("split", {"faces": [-1]}), ("move", {"faces": [10**30], "person": 0}),
            ("merge", {"people": [0]}), ("state", {"faces": [0], "what": "gone"}), ("person", {"person": 999}),
            ("name", {"person": 0, "name": "a\nb"}), ("name", {"person": 0, "name": "\u202eabc"}),
            ("split", {"faces": []}), ("split", {}),
        ):  # fmt: skip
            status, reply = client.do(what, **data)
            assert status == 400 and reply["error"], what
        with contextlib.suppress(ConnectionError):  # the answer comes before all of it is sent
            assert client.do("name", person=0, name="a" * (2 << 20))[0] == 400
        head = f"Host: {client.host}\r\nOrigin: http://{client.host}\r\nCookie: {client.cookie}\r\nContent-Length: 99"
        host, port = client.host.split(":")
        with socket.create_connection((host, int(port))) as tab:  # it goes in mid-answer
            tab.sendall(f'POST /do HTTP/1.1\r\n{head}\r\n\r\n{{"do": "name"'.encode())
        assert client.do("question")[0] == 200
    assert "Traceback" not in caplog.text
    assert not (out / "facts.sqlite").exists()


def test_what_was_said_stays_where_files_cannot_be_written(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(album: object) -> None:
        raise OutputFolderError("the disk is full")

    def told(address: str) -> None:
        client = Client(address)
        client.enter()
        client.do("name", person=0, name="Ada")
        client.stay().close()

    monkeypatch.setattr("pyface.server.serve.save_album", full)
    with pytest.raises(OutputFolderError, match=r"full \(what was said is recorded; the next 'pyface review' writes"):
        review(out, browser=False, told=told)
    assert n_facts(out) == 1
    assert "Ada" in load_album(out).persons


def test_an_answer_is_recorded_before_the_next_question(out: Path) -> None:
    with reviewing(out) as client:
        client.enter()
        _, state = client.do("question")
        for n in range(1, 4):
            status, after = client.do("answer", key=state["question"]["key"], said="different")
            assert status == 200 and n_facts(out) == n
            assert after["progress"]["answered"] == n and after["question"]["key"] != state["question"]["key"]
            # The key of a question that is not open any more answers nothing: a second tab, or a key pressed twice.
            status, reply = client.do("answer", key=state["question"]["key"], said="same")
            assert (status, reply["stale"]) == (409, True)
            state = after
        assert client.do("undo")[1]["progress"]["answered"] == 2
        assert n_facts(out) == 2


def test_the_end_of_the_tab_is_the_end_and_writes_the_files(out: Path) -> None:
    with reviewing(out) as client:
        client.enter()
        assert client.do("name", person=0, name="  Ada <b>\u0301 ")[0] == 200
    with open(out / "faces.csv", newline="") as file:
        assert next(csv.DictReader(file))["person"] == "Ada <b>\u0301"
    assert load_album(out).persons[0] == "Ada <b>\u0301"


def test_a_name_that_contradicts_can_be_let_count(out: Path) -> None:
    album = load_album(out)
    first, second = int(album.labels[0]), int(album.labels[1])
    album.name(first, "Ada").different(album.faces_of(first), album.faces_of(second))
    with reviewing(out) as client:
        client.enter()
        status, reply = client.do("name", person=1, name="Ada", same=True)
        assert status == 409 and reply["pairs"]
        assert client.do("name", person=1, name="Ada", same=True, overrule=True)[0] == 200


def test_a_reload_keeps_it_open(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyface.server.app.GRACE_SECONDS", 600.0)
    with reviewing(out) as client:
        client.enter()
        client.stay().close()
        second = client.stay()  # would be refused by a server that has ended
        assert client.do("question")[0] == 200
        monkeypatch.setattr("pyface.server.app.GRACE_SECONDS", 0.0)
        second.close()


def test_ctrl_c_ends_it_with_everything_recorded(out: Path) -> None:
    with reviewing_apart(out) as (client, process):
        client.enter()
        tab = client.stay()
        _, state = client.do("question")
        client.do("answer", key=state["question"]["key"], said="same")
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
        tab.close()
        assert process.returncode == 0, stderr
        assert "1 answer recorded" in stderr and "Traceback" not in stderr
    assert n_facts(out) == 1


def test_the_server_is_the_one_writer(out: Path) -> None:
    with reviewing_apart(out) as (client, _):
        client.enter()
        _, state = client.do("question")
        assert client.do("answer", key=state["question"]["key"], said="same")[0] == 200
        before = {path.name: path.read_bytes() for path in out.iterdir()}
        for arguments in (
            ("name", out, "0", "Ada"), ("names", out, "--undo"), ("forget", out, "--face", "0"), ("recluster", out),
            ("review", out, "--no-browser"),
        ):  # fmt: skip
            done = pyface_here(*arguments)
            assert done.returncode == 1, arguments
            assert "in use by another run of pyface" in done.stderr, arguments
            assert "pyface review" in done.stderr
        assert {path.name: path.read_bytes() for path in out.iterdir()} == before
        assert pyface_here("names", out).returncode == 0
        assert load_album(out).thumbnails([0])[0]
    # It was killed: what it held is free, and what was said holds.
    assert pyface_here("name", out, "0", "Ada").returncode == 0
    assert n_facts(out) == 2


def test_a_port_that_is_taken_and_one_that_is_none(out: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=f"port {port} is in use by another program; choose another"):
            review(out, port=port, browser=False)
        one_line(pyface_here("review", out, "--port", port, "--no-browser"), 1, f"port {port} is in use")
    one_line(pyface_here("review", out, "--port", 70000, "--no-browser"), 2, "port must be at most 65535")
    one_line(pyface_here("review", out / "nowhere", "--no-browser"), 1, "does not exist")


def test_a_second_review_in_this_process_says_so_too(out: Path) -> None:
    with reviewing(out), pytest.raises(OutputFolderError, match="open in another review"):
        review(out, browser=False)


def test_without_the_extra_it_says_which(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    with pytest.raises(MissingExtraError, match=r"pyface-toolkit\[review\]"):
        review(out, browser=False)
    one_line(pyface_here("review", out), 1, "pyface-toolkit[review]")


def test_a_folder_that_cannot_be_written(out: Path) -> None:
    """The error is on the page, nothing is counted as answered, and the question stays."""
    with reviewing(out) as client:
        client.enter()
        _, state = client.do("question")
        (out / "facts.sqlite").mkdir()
        status, reply = client.do("answer", key=state["question"]["key"], said="same")
        assert status == 500 and "not recorded" in reply["error"]
        (out / "facts.sqlite").rmdir()
        _, again = client.do("question")
        assert again["question"]["key"] == state["question"]["key"] and again["progress"]["answered"] == 0
        assert client.do("answer", key=state["question"]["key"], said="same")[0] == 200
    assert n_facts(out) == 1


def test_help_names_the_options() -> None:
    done = pyface("review", "--help")
    assert done.returncode == 0
    assert "--port" in done.stdout and "--no-browser" in done.stdout
