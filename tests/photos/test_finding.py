"""Which files of a folder are photos to look at, and which are left out, and said to be."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pyface.photos.finding import find_photos
from pyface.photos.globs import compile_globs


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def found(folder: Path, *exclude: str, out: Path | None = None) -> tuple[list[str], dict[str, str]]:
    """Names of photos, and what is left out with the reasons."""
    globs = compile_globs(exclude, "exclude")
    result = find_photos(str(folder), out=None if out is None else str(out), exclude=globs)
    assert result.skipped == []
    assert result.left_out == sorted(result.left_out, key=lambda item: os.fsencode(item.path))
    return [photo.name for photo in result.photos], {item.path: item.reason for item in result.left_out}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("@eaDir", "thumbnails of a NAS"), (".@__thumb", "thumbnails of a NAS"), ("@EADIR", "thumbnails of a NAS"),
        ("#recycle", "a recycle bin"), ("@Recycle", "a recycle bin"), ("$RECYCLE.BIN", "a recycle bin"),
        ("$Recycle.Bin", "a recycle bin"), ("RECYCLER", "a recycle bin"), (".Trash", "a recycle bin"),
        (".Trash-1000", "a recycle bin"), (".Trashes", "a recycle bin"), ("#snapshot", "a folder of the NAS"),
        ("@Recently-Snapshot", "a folder of the NAS"), ("~snapshot", "a folder of the NAS"),
        ("lost+found", "a folder of the NAS"), ("System Volume Information", "a folder of the NAS or the disk"),
        ("Thumbs", "thumbnails"), ("thumbnails", "thumbnails"), (".thumbnails", "thumbnails"),
        (".picasaoriginals", "photos as they were before they were edited"), (".git", "its name begins with a dot"),
    ],
)  # fmt: skip
def test_what_systems_keep_beside_photos_is_left_out(tmp_path: Path, name: str, what: str) -> None:
    make(tmp_path, f"{name}/a.jpg", f"deep/er/{name}/in/b.jpg", f"{name}s.jpg", f"x{name}/c.jpg", "d.jpg")
    names, left_out = found(tmp_path)
    visible = [] if name.startswith(".") else [f"{name}s.jpg"]
    assert names == sorted([*visible, f"x{name}/c.jpg", "d.jpg"], key=os.fsencode)
    assert set(left_out) == {f"{name}/", f"deep/er/{name}/"}
    assert all(what in reason for reason in left_out.values())


def test_a_file_of_such_a_name_and_the_folder_itself_are_looked_at(tmp_path: Path) -> None:
    make(tmp_path / "Thumbs", "a.jpg", "lost+found.jpg")
    assert found(tmp_path / "Thumbs") == (["a.jpg", "lost+found.jpg"], {})


def test_hidden_files_are_not_listed(tmp_path: Path) -> None:
    make(tmp_path, ".a.jpg", "._b.jpg", "c.jpg")
    (tmp_path / ".loop.jpg").symlink_to(tmp_path / ".loop.jpg")
    assert found(tmp_path) == (["c.jpg"], {})


def test_out_is_not_listed_whatever_its_name(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", ".people/b.jpg", "people/c.jpg")
    assert found(tmp_path, out=tmp_path / ".people") == (["a.jpg", "people/c.jpg"], {})
    assert found(tmp_path, "p*", out=tmp_path / "people") == (["a.jpg"], {".people/": "its name begins with a dot"})


def test_links_are_left_out_by_their_own_names(tmp_path: Path) -> None:
    make(tmp_path, "Thumbs/a.jpg", "b.jpg")
    (tmp_path / "small").symlink_to(tmp_path / "Thumbs")
    (tmp_path / "raw").symlink_to(tmp_path / "nowhere")
    (tmp_path / "raw.jpg").symlink_to(tmp_path / "nowhere")
    assert found(tmp_path, "raw*")[0] == ["b.jpg", "small/a.jpg"]


def test_photos_and_folders_are_excluded_by_patterns(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "a.png", "notes.txt", "raw/b.jpg", "2020/raw/c.jpg", "2020/d.png", "2021/raw.jpg")
    names, left_out = found(tmp_path, "raw/", "*.png", "*.txt")
    assert names == ["2021/raw.jpg", "a.jpg"]
    assert left_out == {
        "2020/d.png": "--exclude *.png", "2020/raw/": "--exclude raw/", "a.png": "--exclude *.png",
        "raw/": "--exclude raw/",
    }  # fmt: skip
    assert found(tmp_path, "/raw")[0] == ["2020/d.png", "2020/raw/c.jpg", "2021/raw.jpg", "a.jpg", "a.png"]
    assert found(tmp_path, "2020/*.png")[1] == {"2020/d.png": "--exclude 2020/*.png"}


def test_names_that_are_no_text_are_excluded_too(tmp_path: Path) -> None:
    raw = os.fsdecode(b"bad\xff\n.jpg")
    make(tmp_path, raw, "a.jpg")
    assert found(tmp_path, "bad*") == (["a.jpg"], {raw: "--exclude bad*"})
    assert found(tmp_path, raw)[0] == ["a.jpg"]


PATTERNS = (
    "a", "/a", "a/", "a/b", "/a/b/", "*", "*.jpg", "*.j?g", "a*", "a*b*c", "**", "**/b", "a/**", "a/**/c", "**/b/**",
    "/**/c", "[ab]", "[!a]", "[^a]", "[a-c].jpg", "[]]", "[!]a]", "[a-]", "[-a]", "x[+--]", "\\*", "\\[a]", "[.]jpg",
    "a.jpg", "a+b", "(a)", "A", "a**c", "?", "a?c", "\\!x", "b/c", "*/c", "*/*/c", "a b", "é*", "[&&a]", "[a||b]",
    "x[[]y",
)  # fmt: skip
PATHS = (
    "a", "b", "c", "a/b", "a/c", "a/b/c", "a/x/y/c", "b/c", "b/a", "x/a/b", "x/b/c/d", "a.jpg", "b.jpg", "d.jpg",
    "abc", "axbyc", "]", "-", "*", "[a]", "a+b", "x+", "x-", "x,", "(a)", "A", "!x", "ac", "a b", "éa", "&", "|", "x[y",
    "x/a.jpg", "x/*", "a/b.jpg",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_are_those_of_gitignore(tmp_path: Path, pattern: str) -> None:
    if shutil.which("git") is None:
        pytest.skip("git, whose answers are compared with, is not installed")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    git = ["git", "-C", str(tmp_path), "-c", "core.ignorecase=false"]
    subprocess.run([*git, "init", "-q"], check=True, env=environment)
    (tmp_path / ".gitignore").write_text(f"{pattern}\n", encoding="utf-8")
    for path in PATHS:
        (tmp_path / path).mkdir(parents=True, exist_ok=True)
        make(tmp_path, f"{path}/end.jpg")
    names, left_out = found(tmp_path, pattern)
    every = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.jpg") if path.is_file()}
    asked = subprocess.run(
        [*git, "check-ignore", "-z", "--stdin", "--no-index"], input="\0".join(sorted(every)).encode(), env=environment,
        capture_output=True, check=False,
    )  # fmt: skip
    assert set(names) == every - set(asked.stdout.decode().split("\0"))
    assert ".git/" in left_out


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "it names nothing"), ("/", "it names nothing"), ("!a", "'!' takes nothing back"), ("a//b", "empty part"),
        ("./a", "'.' or '..'"), ("../a", "'.' or '..'"), ("a/./b", "'.' or '..'"), ("[a", "a '[' has no ']'"),
        ("a[]", "a '[' has no ']'"), ("[!]", "a '[' has no ']'"), ("a\\", "nothing follows the last"),
        ("[z-a]", "nothing from z to a"), ("[[:alpha:]]", "only letters and ranges"), ("[\\a]", "only letters"),
    ],
)  # fmt: skip
def test_a_pattern_that_is_none_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"exclude: .* is no pattern: ") as caught:
        compile_globs(["fine", pattern], "exclude")
    assert reason in str(caught.value)


@pytest.mark.parametrize("patterns", ["*.png", b"*.png", [b"*.png"], [1], [Path("a")]])
def test_patterns_are_a_list_of_texts(patterns: object) -> None:
    with pytest.raises(TypeError, match="exclude"):
        compile_globs(patterns, "exclude")  # type: ignore[arg-type]
