"""What a registry's refusal means: status and error codes as tables (distribution-spec, "Error Codes"). PURE."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from scow.errors import (
    Conflict,
    Denied,
    Integrity,
    Invalid,
    Limit,
    NotFound,
    ScowError,
    Unavailable,
    Unsupported,
)
from scow.oci.documents import check_bounds
from scow.oci.known import known
from scow.registry.protocol import ERROR_LIMIT, Answer

if TYPE_CHECKING:
    from datetime import datetime

#: What may be asked again without change (transport and uploads).
TRANSIENT_STATUS = frozenset({408, 429, 500, 502, 503, 504})

_BY_STATUS: Mapping[int, type[ScowError]] = {
    400: Invalid,
    401: Denied,
    403: Denied,
    404: NotFound,
    405: Unsupported,
    406: Unsupported,
    408: Unavailable,
    409: Conflict,
    410: NotFound,
    411: Unsupported,
    413: Limit,
    415: Unsupported,
    416: Invalid,
    429: Unavailable,
    501: Unsupported,
}
_BY_CODE: Mapping[str, type[ScowError]] = {
    "BLOB_UNKNOWN": NotFound,
    "BLOB_UPLOAD_INVALID": Invalid,
    "BLOB_UPLOAD_UNKNOWN": NotFound,
    "DENIED": Denied,
    "DIGEST_INVALID": Integrity,
    "MANIFEST_BLOB_UNKNOWN": NotFound,
    "MANIFEST_INVALID": Invalid,
    "MANIFEST_UNKNOWN": NotFound,
    "NAME_INVALID": Invalid,
    "NAME_UNKNOWN": NotFound,
    "SIZE_INVALID": Integrity,
    "TOOMANYREQUESTS": Unavailable,
    "UNAUTHORIZED": Denied,
    "UNSUPPORTED": Unsupported,
}
#: What to say where the registry gave no reason.
_REASONS: Mapping[int, str] = {
    401: "unauthorized: authentication required",
    403: "denied: requested access to the resource is denied",
    404: "not found",
    405: "the registry does not allow this operation",
    413: "the registry says it is too large",
    429: "toomanyrequests: too many requests",
    500: "internal server error",
    502: "bad gateway",
    503: "service unavailable",
    504: "gateway timeout",
}
_RATELIMIT = r"(\d{1,9});w=(\d{1,9})"
_QUOTED_LIMIT = 500
_ERRORS_LIMIT = 5
#: A server may not make us wait for longer than a day, nor for a negative time.
_RETRY_AFTER_LIMIT = 86400.0


class _Reason(msgspec.Struct):
    code: str = ""
    message: str | None = ""


class _Body(msgspec.Struct):
    errors: list[_Reason] | None = None
    # Token servers and proxies have their own forms.
    message: str | None = None
    details: str | None = None
    error: str | None = None
    error_description: str | None = None


def refusal(answer: Answer, *, subject: str = "", context: str = "", hint: str = "") -> ScowError:
    """The error that ``answer`` stands for.

    ``context`` says what was asked ("manifest for X not found"), names the subject and goes before the registry's own
    words, which are bounded and stripped of control characters.
    """
    reasons = _reasons(answer.body)
    words = "; ".join(_words(reason) for reason in reasons) or _fallback(answer)
    problem = f"{context}: {words}" if context else words
    kind = next((_BY_CODE[one.code] for one in reasons if one.code in _BY_CODE), None) or _by_status(answer.status)
    if kind is Unavailable:
        waiting = retry_after(answer.headers)
        hint = hint or ", ".join(filter(None, (_again(waiting), _allowance(answer))))
        return Unavailable(problem, subject=subject, hint=hint, named=bool(context), retry_after=waiting)
    return kind(problem, subject=subject, hint=hint, named=bool(context))


def _again(waiting: float | None) -> str:
    if not waiting:
        return "try again later"
    return f"try again in {waiting:.0f} seconds" if waiting < 600 else f"try again in {waiting / 60:.0f} minutes"


def _allowance(answer: Answer) -> str:
    """What the Hub says of its limit: ``ratelimit-limit: 100;w=21600`` is 100 pulls in 6 hours."""
    match = re.fullmatch(_RATELIMIT, answer.headers.get("ratelimit-limit", "").strip())
    if answer.status != 429 or match is None:
        return ""
    return f"the registry allows {match[1]} pulls in {int(match[2]) / 3600:g} hours, and more after a login"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from Retry-After: a number, or a date counted from the answer's own Date."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal() and len(text) < 9:
        return min(float(text), _RETRY_AFTER_LIMIT)
    until, since = _date(text), _date(headers.get("date", ""))
    if until is None or since is None:
        return None
    return min(max((until - since).total_seconds(), 0.0), _RETRY_AFTER_LIMIT)


def quoted(text: str, limit: int = _QUOTED_LIMIT) -> str:
    """Someone else's words, fit for a terminal: one bounded line without control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: limit * 2]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _by_status(status: int) -> type[ScowError]:
    return _BY_STATUS.get(status) or (Unavailable if status >= 500 else Invalid)


def _reasons(body: bytes) -> list[_Reason]:
    try:
        check_bounds(body, "error", ERROR_LIMIT)
        parsed = msgspec.json.decode(body, type=known(_Body))
    except (msgspec.MsgspecError, ScowError, RecursionError, UnicodeDecodeError):
        return []
    if parsed.errors:
        return parsed.errors[:_ERRORS_LIMIT]
    plain = parsed.error_description or parsed.details or parsed.message or parsed.error
    return [_Reason("", plain)] if plain else []


def _words(reason: _Reason) -> str:
    """``MANIFEST_UNKNOWN`` + "manifest unknown" is said once; as docker: ``denied: requested access …``."""
    code = quoted(reason.code, 60).lower().replace("_", " ")
    message = quoted(reason.message or "")
    if not message or message.lower() == code:
        return code or "unknown"
    return f"{code}: {message}" if code else message


def _fallback(answer: Answer) -> str:
    return _REASONS.get(answer.status) or f"unexpected HTTP status {answer.status}"


def _date(text: str) -> datetime | None:
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
