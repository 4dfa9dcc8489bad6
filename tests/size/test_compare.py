"""What is different in another image, with and without what does not matter."""

from __future__ import annotations

from collections.abc import Sequence

from tests.size.planted import entry
from tests.size.test_reports import HOSTILE, human

from scow.layer.entry import Entry
from scow.layer.view import View
from scow.size.compare import Comparison, Growth, Side, compare
from scow.size.report import html, markdown, terminal


def sides(a: Sequence[Sequence[Entry]], b: Sequence[Sequence[Entry]], *, semantic: bool = False) -> Comparison:
    def side(name: str, layers: Sequence[Sequence[Entry]]) -> Side:
        view = View()
        for number, entries in enumerate(layers):
            view.stack(number, entries)
        return Side(name, [str(hash(tuple(layer))) for layer in layers], view)

    return compare(side("a", a), side("b", b), semantic=semantic)


def test_every_respect() -> None:
    old = [
        entry("gone", 10), entry("content", 20), entry("mode", 5), entry("owner", 5), entry("time", 5),
        entry("kind", 5),
        Entry(b"link", "symlink", link=b"a"), entry("caps", 5), entry("same", 5),
    ]  # fmt: skip
    new = [
        entry("came", 70), entry("content", 25), Entry(b"mode", "file", mode=0o600, size=5, digest=old[2].digest),
        entry("owner", 5, uid=7), entry("time", 5, mtime=9), entry("kind", 0, "dir"),
        Entry(b"link", "symlink", link=b"b"),
        entry("caps", 5, xattrs=((b"security.capability", b"x"),)), entry("same", 5),
    ]  # fmt: skip
    found = sides([old], [new])
    assert {one.path.decode(): one.what for one in found.changes} == {
        "gone": ("removed",),
        "came": ("added",),
        "content": ("content",),
        "mode": ("mode",),
        "owner": ("owner",),
        "time": ("time",),
        "kind": ("type", "content"),
        "link": ("link",),
        "caps": ("xattrs",),
    }
    assert (found.before, found.after) == (60, 120)
    assert found.growth == (Growth(b"", 60),)


def test_times_and_layers_do_not_count_when_they_are_not_asked_about() -> None:
    one, other = entry("a", 5), entry("b", 6, mtime=1)
    apart, together = [[one], [other]], [[entry("b", 6, mtime=2), one]]
    assert sides(apart, together, semantic=True).same
    assert not sides(apart, together).same
    assert sides(apart, apart).same
    assert not sides([[one]], [[one], []]).same
    assert sides([[one], [other]], [[one], [entry("b", 7)]]).shared == 1


def test_what_grew_is_told_where_it_grew() -> None:
    found = sides([[entry("usr/lib/a", 10)]], [[entry("usr/lib/a", 500), entry("usr/lib/b", 500), entry("opt/c", 400)]])
    assert found.growth == (Growth(b"", 1390), Growth(b"usr/lib", 990), Growth(b"opt", 400))


def test_a_file_of_two_names_counts_once() -> None:
    link = Entry(b"b", "hardlink", link=b"a")
    assert sides([[]], [[entry("a", 10), link]]).after == 10


def test_reports_agree_and_hold_only_text() -> None:
    hostile = [entry(path, 7) for path in HOSTILE]
    grown = sides([[entry("usr/a", 90), entry("usr/b", 5)]], [[entry("usr/a", 10), *hostile]])
    texts = [show(grown, human) for show in (terminal.comparison, markdown.comparison, html.comparison)]
    for text in texts:
        assert "-36B" in text
        assert "-80B" in text
        assert "12 paths changed" in text
        assert text.index("-80B") < text.index("added")
        assert "<img" not in text or text is texts[0]
        assert "<script" not in text or text is texts[0]
        assert not [char for char in text if (ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160]
    assert "default-src 'none'" in texts[2]
    assert "@" not in texts[2].partition("<style>")[0] + texts[2].partition("</style>")[2]


def test_reports_list_the_largest_and_count_the_rest() -> None:
    many = sides([[]], [[entry(f"d/{at}", at + 1) for at in range(2500)]])
    assert "and 2451 more" in terminal.comparison(many, human)
    assert "and 2451 more" in markdown.comparison(many, human)
    page = html.comparison(many, human)
    assert "and 501 more" in page
    assert page.count("<tr>") == 2 + 1 + 2000
    assert "+2500B" in page
    assert "+500B" not in page
