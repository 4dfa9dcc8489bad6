"""The spellings of true and false that docker takes: those of Go's ``strconv.ParseBool``."""

from __future__ import annotations

_TRUE = ("1", "t", "T", "true", "True", "TRUE")
_FALSE = ("0", "f", "F", "false", "False", "FALSE")
TRUTHS = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}
