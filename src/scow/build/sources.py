"""What a text that names files elsewhere means: a URL, or a git repository. Pure.

::

    git      := remote [ "?" key "=" value ( "&" key "=" value )* ] [ "#" [ ref ] [ ":" subdirectory ] ]
    key      := ref | branch | tag | subdir | commit | checksum | keep-git-dir | submodules

Grammar: docker's "Build context", "Git repositories" and "URL queries"; the Dockerfile reference, "ADD".
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from scow.build.ops import FromGit
from scow.dockerfile.values import boolean
from scow.errors import Invalid

_SCP: Final = re.compile(r"[\w.-]+@[\w.-]+:[^\s]+")
_URL: Final = re.compile(r"(https?|git|ssh|ftp|file)://", re.IGNORECASE)
_COMMIT: Final = re.compile(r"(?:sha256:)?[0-9a-f]{7,64}")
_QUERY: Final = ("ref", "branch", "tag", "subdir", "commit", "checksum", "keep-git-dir", "submodules")
_FLAGS: Final = ("keep-git-dir", "submodules")
_NAMESPACES: Final = {"ref": "", "branch": "refs/heads/", "tag": "refs/tags/"}


def is_remote(text: str) -> bool:
    """Whether the text names something that is not a path here."""
    return bool(_URL.match(text) or _SCP.fullmatch(text) or text.startswith("github.com/"))


def is_web(text: str) -> bool:
    """Whether it is one file to be had over HTTP."""
    return text.lower().startswith(("http://", "https://")) and not is_git(text)


def is_git(text: str) -> bool:
    """Whether it is a git repository."""
    if text.startswith(("git@", "git://", "ssh://", "github.com/")) or _SCP.fullmatch(text):
        return True
    return text.lower().startswith(("http://", "https://", "file://")) and urlsplit(text).path.endswith(".git")


def repository(text: str, *, keep_git: bool = False, checksum: str = "") -> FromGit:
    """The files that the text of a git repository names. Raises :class:`Invalid`."""
    remote, _, fragment = text.partition("#")
    remote, question, query = remote.partition("?")
    ref, _, subdirectory = fragment.partition(":")
    remote = f"https://{remote}" if remote.startswith("github.com/") else remote
    submodules = True
    if question:
        asked = _asked(query)
        ref = _agreed("reference", ref, next((_full(name, asked[name]) for name in _NAMESPACES if name in asked), ""))
        subdirectory = _agreed("subdirectory", subdirectory, asked.get("subdir", ""))
        checksum = checksum or asked.get("checksum", asked.get("commit", ""))
        keep_git = keep_git or _flag(asked, "keep-git-dir", otherwise=False)
        submodules = _flag(asked, "submodules", otherwise=True)
    if checksum and not _COMMIT.fullmatch(checksum):
        raise Invalid("the checksum of a git source is a commit", hint="the hex digits of its hash")
    if ref.startswith("-") or remote.startswith("-"):
        raise Invalid("invalid git reference")
    if ".." in subdirectory.split("/"):
        raise Invalid("the subdirectory leaves the repository")
    return FromGit(remote, ref, subdirectory.strip("/"), keep_git, checksum, submodules)


def _asked(query: str) -> dict[str, str]:
    asked: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _QUERY:
            raise Invalid(f"unexpected query {name!r} in a git URL", hint=", ".join(_QUERY))
        if not value and name not in _FLAGS:
            raise Invalid(f"query {name!r} of a git URL has no value")
        if name in asked:
            raise Invalid(f"query {name!r} is given twice in a git URL")
        asked[name] = value
    if len(_NAMESPACES.keys() & asked.keys()) > 1:
        raise Invalid("a git URL has one of ref, branch and tag")
    return asked


def _full(kind: str, name: str) -> str:
    return _NAMESPACES[kind] + name.removeprefix(_NAMESPACES[kind])


def _agreed(what: str, one: str, other: str) -> str:
    """What query and fragment say, when they do not contradict each other."""
    if one and other and one != other:
        raise Invalid(f"a git URL has two of its {what}: {one!r} and {other!r}")
    return one or other


def _flag(asked: dict[str, str], name: str, *, otherwise: bool) -> bool:
    if name not in asked:
        return otherwise
    found = boolean(asked[name]) if asked[name] else True
    if found is None:
        raise Invalid(f"query {name!r} of a git URL is true or false")
    return found
