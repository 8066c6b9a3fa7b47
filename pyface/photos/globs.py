"""Patterns for names and paths, as people know them from ``.gitignore``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern, ready to be compared.

    Without a ``/`` it is compared with each name, at any depth; with one, also a leading one, with the path from the
    folder on. ``*`` and ``?`` stand for anything but ``/``, ``[a-z]`` and ``[!a-z]`` for one character, ``**`` between
    slashes for any folders. A ``/`` at the end means folders alone. ``\\`` takes the next character as it is. Upper and
    lower case differ.
    """

    text: str
    _of_path: bool
    _folders_only: bool
    _expression: re.Pattern[str]

    def matches(self, path: str, name: str, *, is_folder: bool) -> bool:
        """Whether a file or folder of this path, relative to the folder and with ``/``, is meant."""
        if self._folders_only and not is_folder:
            return False
        return self._expression.fullmatch(path if self._of_path else name) is not None


def compile_globs(texts: Iterable[str], argument: str) -> tuple[Glob, ...]:
    """Patterns as users give them. TypeError for what is no list of texts, ValueError for a pattern that is none."""
    if isinstance(texts, str | bytes):
        raise TypeError(f"{argument} must be a list of patterns, got {texts!r}; put it in a list")
    return tuple(_compiled(text, argument) for text in texts)


def _compiled(text: str, argument: str) -> Glob:
    if not isinstance(text, str):
        raise TypeError(f"{argument}: a pattern must be text, got {text!r}")
    try:
        expression = re.compile(_expression_of(text), re.DOTALL)
    except ValueError as error:
        raise ValueError(f"{argument}: {text!r} is no pattern: {error}") from None
    return Glob(text, "/" in text.removesuffix("/"), text.endswith("/"), expression)


def _expression_of(text: str) -> str:
    if not text.strip("/"):
        raise ValueError("it names nothing")
    if text.startswith("!"):
        raise ValueError("'!' takes nothing back here; write \\! for a name that begins with it")
    parts = text.removeprefix("/").removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise ValueError("no path in the folder has an empty part, '.' or '..' in it")
    pieces = []
    for i, part in enumerate(parts):
        is_last = i == len(parts) - 1
        if part == "**":
            pieces.append(".+" if is_last else "(?:[^/]+/)*")
        else:
            pieces.append(_of_part(part) + ("" if is_last else "/"))
    return "".join(pieces)


def _of_part(part: str) -> str:
    pieces: list[str] = []
    i = 0
    while i < len(part):
        letter = part[i]
        i += 1
        if letter == "*":
            if pieces[-1:] != ["[^/]*"]:
                pieces.append("[^/]*")
        elif letter == "?":
            pieces.append("[^/]")
        elif letter == "[":
            end = part.find("]", i + 1 + (part[i : i + 1] in ("!", "^")))
            if end < 0:
                raise ValueError("a '[' has no ']'; write \\[ for one in a name")
            pieces.append(_of_set(part[i:end]))
            i = end + 1
        elif letter == "\\":
            if i == len(part):
                raise ValueError("nothing follows the last '\\'")
            pieces.append(re.escape(part[i]))
            i += 1
        else:
            pieces.append(re.escape(letter))
    return "".join(pieces)


def _of_set(inside: str) -> str:
    """What stands between brackets, as a regular expression has it."""
    is_not = inside[0] in "!^"
    letters = inside[is_not:]
    if "[:" in letters or "\\" in letters:
        raise ValueError("inside brackets only letters and ranges are known")
    pieces = []
    while letters:
        if letters[1:2] == "-" and len(letters) > 2:
            first, last, letters = letters[0], letters[2], letters[3:]
            if first > last:
                raise ValueError(f"there is nothing from {first} to {last}")
            pieces.append(f"{re.escape(first)}-{re.escape(last)}")
        else:
            pieces.append(re.escape(letters[0]))
            letters = letters[1:]
    return f"(?:(?!/)[{'^' if is_not else ''}{''.join(pieces)}])"
