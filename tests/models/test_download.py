"""Fetching from a server on this machine: whole, broken off and gone on with, wrong, and by two at once."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import weight_server
from interrupts import NEEDS_SIGNALS
from weight_server import Served, Server, five_points, sha256

from pyface import models
from pyface.errors import DownloadError
from pyface.models import download

DATA = five_points()
TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "PYFACE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with weight_server.serving() as serving:
        serving.served["/five.dat"] = Served(DATA)
        yield serving


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYFACE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def target(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the weights of the model ``five`` come to lie, which the server has."""
    weight_server.install(monkeypatch, weight_server.spec(url=server.url("/five.dat")))
    return cache / "models" / "five" / "five.dat"


def beside(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if path != target)


def refused(words: str) -> str:
    with pytest.raises(DownloadError, match=words) as told:
        models.pull("five")
    assert "\n" not in str(told.value)
    return str(told.value)


def test_the_whole_file(server: Server, target: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    (path,) = models.pull("five", progress=lambda *step: steps.append(step))
    assert path.parent == target.parents[2] and path.suffix == ".bin"  # what was built of it
    assert target.read_bytes() == DATA
    assert beside(target) == ["record.json"]
    record = json.loads((target.parent / "record.json").read_text())
    assert (record["name"], record["sha256"], record["accepted"]) == ("five", sha256(DATA), False)
    assert record["from"] == server.url("/five.dat")
    assert steps[0] == ("five.dat", 0, len(DATA)) and steps[-1] == ("five.dat", len(DATA), len(DATA))
    assert models.load("five").scheme == "dlib-5"
    assert models.pull("five") == (path,)
    assert len(server.requests) == 1
    assert server.requests[0][1]["User-Agent"].startswith("pyface/")


def test_without_a_length(server: Server, target: Path) -> None:
    server.served["/five.dat"].says_length = False
    steps: list[int] = []
    models.pull("five", progress=lambda _name, _done, total: steps.append(total))
    assert set(steps) == {0} and target.read_bytes() == DATA


def test_a_transfer_that_breaks_off_goes_on_by_itself(server: Server, target: Path) -> None:
    server.served["/five.dat"].breaks = [10_000, 30_000]
    models.pull("five")
    assert server.ranges() == [None, "bytes=10000-", "bytes=30000-"]
    assert server.requests[1][1]["If-Range"] == '"1"'
    assert target.read_bytes() == DATA and beside(target) == ["record.json"]


def test_the_next_call_goes_on(server: Server, target: Path) -> None:
    server.served["/five.dat"].breaks = [10_000, 10_000, 10_000]
    refused("10,000 bytes have come, the same command goes on from there")
    assert server.ranges() == [None, "bytes=10000-"]  # one that brought nothing was the last
    assert beside(target) == ["five.dat.part", "five.dat.part.json"]
    server.served["/five.dat"].breaks = []
    models.pull("five")
    assert server.ranges()[-1] == "bytes=10000-"
    assert target.read_bytes() == DATA and beside(target) == ["record.json"]


def test_it_does_not_go_on_for_ever(server: Server, target: Path) -> None:
    server.served["/five.dat"].breaks = list(range(1000, 20_000, 1000))
    refused("5,000 bytes have come")
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    "changes",
    [{"ranges": False}, {"etag": '"2"'}, {"etag": None}, {"etag": 'W/"1"'}],
    ids=["no ranges", "another file", "no tag", "weak tag"],
)
def test_from_the_beginning_where_parts_do_not_fit(server: Server, target: Path, changes: dict[str, Any]) -> None:
    server.served["/five.dat"].breaks = [10_000, 10_000]
    refused("goes on")
    server.served["/five.dat"] = Served(DATA, **changes)
    models.pull("five")
    assert target.read_bytes() == DATA and beside(target) == ["record.json"]


def test_a_part_of_another_address_is_not_gone_on_with(server: Server, target: Path) -> None:
    target.parent.mkdir(parents=True)
    (target.parent / "five.dat.part").write_bytes(b"x" * 5000)
    (target.parent / "five.dat.part.json").write_text(json.dumps({"url": "https://other", "validator": '"1"'}))
    models.pull("five")
    assert server.ranges() == [None] and target.read_bytes() == DATA


@pytest.mark.parametrize("surplus", [0, 500])
def test_a_part_that_is_all_or_more(server: Server, target: Path, surplus: int) -> None:
    target.parent.mkdir(parents=True)
    (target.parent / "five.dat.part").write_bytes(DATA + b"x" * surplus)
    url = server.url("/five.dat")
    (target.parent / "five.dat.part.json").write_text(json.dumps({"url": url, "validator": '"1"'}))
    models.pull("five")
    assert server.ranges() == [f"bytes={len(DATA) + surplus}-", None][: 2 if surplus else 1]
    assert target.read_bytes() == DATA


def test_another_file_is_told_with_both_digests_and_removed(server: Server, target: Path) -> None:
    other = bytes([DATA[0] ^ 1]) + DATA[1:]
    server.served["/five.dat"].data = other
    said = refused("it was removed")
    assert sha256(other) in said and sha256(DATA) in said
    assert list(target.parent.iterdir()) == []


def test_more_than_there_should_be(server: Server, target: Path) -> None:
    server.served["/five.dat"].data = DATA + b"x"
    refused(rf"has {len(DATA) + 1:,} bytes, expected {len(DATA):,} at most")
    server.served["/five.dat"].says_length = False
    refused("brings more than .* bytes; it was removed")
    assert not target.exists() and "five.dat.part" not in beside(target)


@pytest.mark.parametrize(
    ("status", "words"),
    [(404, "answers 404 Not Found"), (403, "403"), (500, "500 Internal Server Error")],
)
def test_what_the_server_refuses(server: Server, target: Path, status: int, words: str) -> None:
    server.served["/five.dat"].status = status
    said = refused(words)
    assert said.startswith(server.url("/five.dat"))


def test_nobody_listens(server: Server, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with weight_server.serving() as gone:
        url = gone.url("/five.dat")
    weight_server.install(monkeypatch, weight_server.spec(url=url))
    refused("cannot be reached")


def test_a_server_that_falls_silent(server: Server, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_TIMEOUT_SECONDS", 0.2)
    server.served["/five.dat"].hold = threading.Event()
    monkeypatch.setattr(download, "_ATTEMPTS", 1)
    refused("no answer in time")
    assert not target.exists()


def test_redirects_are_followed(server: Server, target: Path) -> None:
    server.served["/five.dat"] = Served(status=302, headers={"Location": server.url("/there")})
    server.served["/there"] = Served(DATA, breaks=[10_000])
    models.pull("five")
    assert [path for path, _ in server.requests] == ["/five.dat", "/there"] * 2
    assert server.ranges()[-1] == "bytes=10000-"
    assert target.read_bytes() == DATA


def test_redirects_to_less_are_not_followed(server: Server, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.served["/five.dat"] = Served(status=302, headers={"Location": "file:///etc/hosts"})
    refused("file:///etc/hosts' is not allowed")
    # From https to http, seen by the rule itself, as nothing here has a certificate.
    request = download.urllib.request.Request("https://example.org/five.dat")
    with pytest.raises(DownloadError, match=r"leads to http://example\.org/five\.dat, which is not https"):
        download._Redirects().redirect_request(request, None, 302, "Found", {}, "http://example.org/five.dat")
    followed = download._Redirects().redirect_request(request, None, 302, "Found", {}, "https://example.org/other")
    assert followed is not None and followed.full_url == "https://example.org/other"


def test_a_circle_of_redirects_ends(server: Server, target: Path) -> None:
    server.served["/five.dat"] = Served(status=302, headers={"Location": server.url("/five.dat")})
    refused("302")
    assert len(server.requests) < 50


def test_proxies_of_the_environment(server: Server, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "http://weights.invalid/five.dat"
    server.served[url] = Served(DATA)
    weight_server.install(monkeypatch, weight_server.spec(url=url))
    monkeypatch.setenv("http_proxy", server.url(""))
    monkeypatch.delenv("no_proxy", raising=False)
    models.pull("five")
    assert [path for path, _ in server.requests] == [url]


@pytest.mark.parametrize("value", ["1", "yes"])
def test_offline(server: Server, target: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PYFACE_OFFLINE", value)
    said = refused("PYFACE_OFFLINE is set")
    assert said.endswith(server.url("/five.dat"))
    assert server.requests == []
    monkeypatch.setenv("PYFACE_OFFLINE", "0")
    models.pull("five")
    monkeypatch.setenv("PYFACE_OFFLINE", value)
    models.pull("five")  # it is here
    assert len(server.requests) == 1


def test_a_full_disk_keeps_what_has_come(server: Server, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, room = os.write, [20_000]

    def until_full(descriptor: int, data: Any) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = write(descriptor, bytes(data)[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr(download.os, "write", until_full)
    said = refused("the disk is full; 20,000 bytes of it are kept in")
    assert str(target.parent / "five.dat.part") in said
    room[0] = 10**9
    models.pull("five")
    assert server.ranges() == [None, "bytes=20000-"]
    assert target.read_bytes() == DATA


def test_a_folder_that_cannot_be_made(server: Server, tmp_path: Path, target: Path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PYFACE_CACHE", str(tmp_path / "file" / "cache"))
    refused("PYFACE_CACHE can name another folder")


CHILD = (
    "import sys, types, pytest, weight_server\n"
    "from pyface import models\n"
    "patch = pytest.MonkeyPatch()\n"
    "weight_server.install(patch, weight_server.spec(url=sys.argv[1]))\n"
    "print(models.pull('five')[0])\n"
)


def pulling(server: Server) -> subprocess.Popen[str]:
    """A process that pulls the model."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-c", CHILD, server.url("/five.dat")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, env=environment, **pipes)  # type: ignore[call-overload,no-any-return]


def test_two_processes_at_once_fetch_it_once(server: Server, target: Path) -> None:
    served = server.served["/five.dat"]
    served.hold = threading.Event()
    first = pulling(server)
    served.half_way.wait()
    second = pulling(server)
    assert second.stderr is not None
    waits = second.stderr.readline()  # it has found the lock taken
    assert "another process brings weights" in waits
    served.hold.set()
    said = [child.communicate(timeout=600) for child in (first, second)]
    assert first.returncode == second.returncode == 0, said
    assert said[0][0] == said[1][0]
    assert len(server.requests) == 1 and target.read_bytes() == DATA


@NEEDS_SIGNALS
def test_one_that_is_killed_leaves_its_part_and_no_lock(server: Server, target: Path) -> None:
    served = server.served["/five.dat"]
    served.hold = threading.Event()
    child = pulling(server)
    served.half_way.wait()
    part, have = target.parent / "five.dat.part", len(DATA) // 2
    # Until the half of it is in the file, which nothing but the file itself can say.
    while not (part.exists() and part.stat().st_size == have):
        assert child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.communicate()
    served.hold.set()
    served.hold = None
    models.pull("five")
    assert server.ranges() == [None, f"bytes={have}-"]
    assert target.read_bytes() == DATA
