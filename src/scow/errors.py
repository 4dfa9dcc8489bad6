"""One tree of errors; a class says what the caller can do about it.

::

    ScowError
    ├── Invalid        bad text or bytes: correct the input
    ├── NotFound       no such thing: another name, or fetch it first
    ├── AlreadyExists  the name is taken
    ├── Integrity      bytes are not what their digest or size says: do not trust the source
    ├── Limit          untrusted input went over a cap
    ├── Denied         401, 403 or EPERM: log in, or ask for the right
    ├── Unavailable    network, 429 or 5xx: try again (after ``retry_after`` seconds)
    ├── Unsupported    a media type, platform or kernel feature that is not there
    ├── Conflict       in use: stop the user of it, or force
    └── Process        a program of the user's failed with ``exit_code``

The fields hold the facts; :func:`str` joins them into one line. Nothing here ever holds a secret, and nothing speaks to
a terminal: what an error tells may be words of somebody else's image (:func:`printable`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

#: C0, C1, what turns the writing direction (UAX #9), what ends a line, and bytes of names that are not UTF-8
CONTROLS = (
    *range(32), *range(127, 160), 0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A),
    *range(0xDC80, 0xDD00),
)  # fmt: skip
_ESCAPED = {code: f"\\u{code:04x}" for code in CONTROLS if code > 126}
_TOLD = _ESCAPED | {code: f"\\x{code & 255:02x}" for code in (*range(32), *range(0xDC80, 0xDD00))}


def printable(text: str) -> str:
    """One line that moves no cursor and turns no writing direction: such characters are told, as ``\\x1b``."""
    return text if text.isascii() and text.isprintable() else text.translate(_TOLD)


def escaped(json: str) -> str:
    """JSON that speaks to no terminal either: what it may hold in strings as it is stands there as an escape."""
    return json if json.isascii() and "\x7f" not in json else json.translate(_ESCAPED)


class Where(NamedTuple):
    """A place in a text: ``line`` and ``column`` count from 1; ``width`` is in characters, within that line."""

    source: str
    line: int
    column: int = 1
    width: int = 1
    text: str = ""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}"


class ScowError(Exception):
    """Anything scow reports.

    ``problem`` says what happened, ``subject`` to which thing, ``hint`` what to do next, ``where`` in which text that
    somebody can correct. ``named``: the problem's own words name the subject, as docker's do ("No such image: nginx").
    """

    def __init__(
        self, problem: str, *, subject: str = "", hint: str = "", named: bool = False, where: Where | None = None
    ) -> None:
        super().__init__(problem)
        self.problem = printable(problem)
        self.subject = printable(subject)
        self.hint = printable(hint)
        self.named = named
        self.where = where

    @property
    def unplaced(self) -> bool:
        """Whether nothing stands before the problem's words: who knows the place may say it there."""
        return self.named or not self.subject

    def __str__(self) -> str:
        told = self.problem if self.unplaced else f"{self.subject}: {self.problem}"
        return f"{self.where}: {told}" if self.where else told

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process with all its fields, and without a call that would need them."""
        return type(self).__new__, (type(self), *self.args), vars(self)


class Invalid(ScowError):
    """Text or bytes that do not follow their grammar."""


class NotFound(ScowError):
    """No thing of that name."""


class AlreadyExists(ScowError):
    """The name is taken."""


class Integrity(ScowError):
    """Bytes are not what was promised: ``expected`` and ``actual`` are digests or sizes."""

    def __init__(
        self, problem: str, *, subject: str = "", hint: str = "", named: bool = False, expected: str = "",
        actual: str = "",
    ) -> None:  # fmt: skip
        super().__init__(problem, subject=subject, hint=hint, named=named)
        self.expected = expected
        self.actual = actual

    def __str__(self) -> str:
        told = f" (expected {self.expected}, got {self.actual})" if self.expected else ""
        return super().__str__() + told


class Limit(ScowError):
    """Untrusted input is larger, deeper or longer than its cap."""


class Denied(ScowError):
    """The other side, or the kernel, refused."""


class Unavailable(ScowError):
    """The other side cannot answer now; ``retry_after`` is in seconds, when it said so."""

    def __init__(
        self, problem: str, *, subject: str = "", hint: str = "", named: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(problem, subject=subject, hint=hint, named=named)
        self.retry_after = retry_after


class Unsupported(ScowError):
    """A media type, platform, instruction or kernel feature that is not there."""


class Conflict(ScowError):
    """The thing is in use, or the request names more than one thing."""


class Process(ScowError):
    """A program that scow ran for the user failed; ``where`` is the Dockerfile line that asked for it, if any."""

    def __init__(
        self, problem: str, *, exit_code: int, subject: str = "", hint: str = "", where: Where | None = None
    ) -> None:
        super().__init__(problem, subject=subject, hint=hint, where=where)
        self.exit_code = exit_code
