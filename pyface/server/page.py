"""The one page of the review: its text with style and script inside, and the policy that lets it run no other."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files


@cache
def page() -> str:
    """The HTML text; it holds nothing of the album."""
    text = _resource("review.html")
    return text.replace("/*style*/", _resource("review.css")).replace("/*script*/", _resource("review.js"))


@cache
def policy() -> str:
    """The report's security policy, and requests to the page's own server."""
    return (
        f"default-src 'none'; img-src data:; style-src {_hash('review.css')}; script-src {_hash('review.js')}; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _resource(name: str) -> str:
    # Line ends as in the repository, wherever it was checked out: hashes are those of the text.
    return (files("pyface.server") / "templates" / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _hash(name: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(_resource(name).encode()).digest()).decode("ascii") + "'"
