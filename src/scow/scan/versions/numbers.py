"""PURE. Versions that are nothing but numbers: R's (CRAN, Bioconductor) and Haskell's (Hackage)."""

from __future__ import annotations

import re

from scow.errors import Invalid

_CRAN = re.compile(r"\d+(?:[.-]\d+)*\Z", re.ASCII)
_HACKAGE = re.compile(r"\d+(?:\.\d+)*\Z", re.ASCII)


def cran_key(text: str) -> tuple[int, ...]:
    """``package_version`` of R: cut at dots and hyphens; the longer one is younger."""
    return _numbers(text, _CRAN, "an R")


def hackage_key(text: str) -> tuple[int, ...]:
    """The Haskell Package Versioning Policy: cut at dots; the longer one is younger."""
    return _numbers(text, _HACKAGE, "a Haskell")


def _numbers(text: str, legal: re.Pattern[str], whose: str) -> tuple[int, ...]:
    if not legal.match(text.strip()):
        raise Invalid(f"not {whose} version", subject=text)
    return tuple(map(int, re.split("[.-]", text.strip())))
