"""What is known of a CVE beyond its advisories: since when it is exploited (CISA KEV), how likely that is (FIRST EPSS).

Both come as one file, gzipped or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from scow.content.target import Reader
from scow.content.verify import read_all
from scow.errors import Invalid, Limit
from scow.layer.compression import detected, inflated
from scow.oci.documents import decode
from scow.scan.lines import lines
from scow.scan.severity import share

_KEV_LIMIT: Final = 64 << 20
_ROWS_LIMIT: Final = 4_000_000
_CVE = re.compile(r"CVE-\d{4}-\d{4,12}\Z", re.ASCII)

Marks = Iterator[tuple[str, str]]


class _Exploited(msgspec.Struct, rename="camel"):
    cve_id: str = msgspec.field(name="cveID")
    date_added: str = ""


class _Catalogue(msgspec.Struct):
    vulnerabilities: list[_Exploited]


def exploited(reader: Reader, subject: str) -> Marks:
    """CVE → the date on which it came into CISA's catalogue. Raises :class:`~scow.errors.Invalid` or ``Limit``."""
    raw = read_all(inflated(*detected(reader)), _KEV_LIMIT + 1)
    for one in decode(raw, _Catalogue, subject, limit=_KEV_LIMIT).vulnerabilities:
        if _CVE.match(one.cve_id):
            yield one.cve_id, one.date_added


def likelihoods(reader: Reader, subject: str) -> Marks:
    """CVE → the probability of exploitation within 30 days, 0 to 1, as EPSS writes it."""
    plain = inflated(*detected(reader))
    rows = (line.split(",") for line in lines(plain, subject) if not line.startswith("#"))
    if [name.lower() for name in next(rows, [])][:2] != ["cve", "epss"]:
        raise Invalid("not an EPSS file: its columns are not cve, epss, percentile", subject=subject)
    for count, row in enumerate(rows):
        if count > _ROWS_LIMIT:
            raise Limit(f"more than {_ROWS_LIMIT} rows", subject=subject)
        if len(row) > 1 and _CVE.match(row[0]) and share(row[1]) is not None:
            yield row[0], row[1]


#: kind of mark -> how its file is read
READERS: Final[Mapping[str, Callable[[Reader, str], Marks]]] = {"kev": exploited, "epss": likelihoods}
