"""``--chmod``: what each text makes of a mode."""

from __future__ import annotations

import pytest

from scow.build.modes import chmod
from scow.errors import Invalid
from scow.layer.entry import Entry, Kind

MODES = [
    ("755", 0o644, 0o755), ("0755", 0o644, 0o755), ("4711", 0, 0o4711), ("0", 0o777, 0),
    ("u+x", 0o644, 0o744), ("+x", 0o644, 0o755), ("a+x", 0o600, 0o711), ("go-rwx", 0o777, 0o700),
    ("u=rw,go=r", 0o777, 0o644), ("u=", 0o777, 0o077), ("ug+s", 0o755, 0o6755), ("u-s", 0o4755, 0o755),
    ("+t", 0o755, 0o1755), ("-t", 0o1755, 0o755), ("o+w-r", 0o644, 0o642), ("a+X", 0o644, 0o644),
    ("a+X", 0o744, 0o755), ("u+x,o-r", 0o644, 0o740), ("u=rw,g=u-w", 0o751, 0o641), ("go=u", 0o4751, 0o4777),
    ("g=ur", 0o310, 0o370), ("u==r", 0o751, 0o451), ("go+=x", 0o777, 0o711), ("a=", 0o6777, 0),
    ("7777", 0, 0o7777), ("888", 0, None), ("10000", 0, None), ("u+q", 0, None), ("", 0, None), ("x", 0, None),
    ("ug", 0, None),
    ("u+x,", 0, None), (",", 0, None), ("7+x", 0, None),
]  # fmt: skip

#: What BuildKit 0.34 made of files and directories with special bits.
SPECIAL = [
    ("+st", "file", 0o4755, 0o5755), ("+st", "dir", 0o2751, 0o3751), ("-st", "file", 0o4755, 0o4755),
    ("-st", "dir", 0o2751, 0o2751), ("=", "file", 0o4755, 0o0), ("=", "dir", 0o2775, 0o0),
    ("=X", "file", 0o4755, 0o111), ("=X", "dir", 0o2751, 0o111), ("=r", "file", 0o4755, 0o444),
    ("=r", "dir", 0o2775, 0o444), ("=rt", "file", 0o4755, 0o5755), ("=rt", "dir", 0o2751, 0o3751),
    ("=rw", "file", 0o4755, 0o666), ("=rw", "dir", 0o2775, 0o666), ("=rwx", "file", 0o4755, 0o777),
    ("=rwx", "dir", 0o2775, 0o777), ("=rwxst", "file", 0o4755, 0o5755), ("=rwxst", "dir", 0o2775, 0o3775),
    ("=st", "file", 0o4755, 0o5755), ("=st", "dir", 0o2751, 0o3751), ("=t", "file", 0o4755, 0o5755),
    ("=t", "dir", 0o2775, 0o3775), ("a=", "file", 0o4755, 0o0), ("a=", "dir", 0o2751, 0o0),
    ("a=X", "file", 0o4755, 0o111), ("a=X", "dir", 0o2775, 0o111), ("a=t", "file", 0o4755, 0o1000),
    ("a=t", "dir", 0o2775, 0o1000), ("g=", "dir", 0o2751, 0o701), ("g=t", "dir", 0o2751, 0o1701),
    ("o+t", "file", 0o4755, 0o4755), ("o+t", "dir", 0o2775, 0o2775), ("o-t", "dir", 0o1777, 0o1777),
    ("o=t", "file", 0o4755, 0o4750), ("o=t", "dir", 0o2751, 0o2750), ("u=", "file", 0o4755, 0o55),
    ("u=rwX,go=rX", "file", 0o4755, 0o755), ("u=rwX,go=rX", "dir", 0o2775, 0o755),
    ("u=rwx,g=rx,o=", "file", 0o4755, 0o750), ("u=rwx,g=rx,o=", "dir", 0o2775, 0o750),
    ("u=t", "file", 0o4755, 0o1055), ("ug=t", "file", 0o4755, 0o1005), ("ug=t", "dir", 0o2751, 0o1001),
]  # fmt: skip


@pytest.mark.parametrize(("text", "before", "after"), MODES)
def test_modes(text: str, before: int, after: int | None) -> None:
    entry = Entry(b"f", "file", before)
    if after is None:
        with pytest.raises(Invalid, match="invalid chmod parameter"):
            chmod(entry, text)
    else:
        assert chmod(entry, text) == after


@pytest.mark.parametrize(("text", "kind", "before", "after"), SPECIAL)
def test_special_bits_as_buildkit(text: str, kind: Kind, before: int, after: int) -> None:
    assert chmod(Entry(b"x", kind, before), text) == after


def test_capital_x_is_for_directories() -> None:
    assert chmod(Entry(b"d", "dir", 0o600), "a+X") == 0o711
