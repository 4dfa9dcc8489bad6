"""References: what docker takes is taken, what it refuses is refused, and the familiar form means the same."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.errors import Invalid
from scow.oci.digest import Digest, hasher
from scow.oci.reference import Reference

D = "sha256:" + "a" * 64

#: text -> host, path, tag, digest, familiar
VALID = {
    "nginx": ("docker.io", "library/nginx", "latest", None, "nginx:latest"),
    "nginx:1.25": ("docker.io", "library/nginx", "1.25", None, "nginx:1.25"),
    "library/nginx": ("docker.io", "library/nginx", "latest", None, "nginx:latest"),
    "me/app": ("docker.io", "me/app", "latest", None, "me/app:latest"),
    "docker.io/nginx": ("docker.io", "library/nginx", "latest", None, "nginx:latest"),
    "docker.io/me/app": ("docker.io", "me/app", "latest", None, "me/app:latest"),
    "index.docker.io/me/app": ("docker.io", "me/app", "latest", None, "me/app:latest"),
    "registry-1.docker.io/nginx": ("docker.io", "library/nginx", "latest", None, "nginx:latest"),
    "docker.io/library/a/b": ("docker.io", "library/a/b", "latest", None, "library/a/b:latest"),
    "localhost/x": ("localhost", "x", "latest", None, "localhost/x:latest"),
    "localhost:5000/x": ("localhost:5000", "x", "latest", None, "localhost:5000/x:latest"),
    "host:5000/x/y:t": ("host:5000", "x/y", "t", None, "host:5000/x/y:t"),
    "ghcr.io/o/r": ("ghcr.io", "o/r", "latest", None, "ghcr.io/o/r:latest"),
    "127.0.0.1:5000/x": ("127.0.0.1:5000", "x", "latest", None, "127.0.0.1:5000/x:latest"),
    "[::1]:5000/x": ("[::1]:5000", "x", "latest", None, "[::1]:5000/x:latest"),
    "[2001:db8::1]/x:t": ("[2001:db8::1]", "x", "t", None, "[2001:db8::1]/x:t"),
    "Host/x": ("Host", "x", "latest", None, "Host/x:latest"),
    "foo.bar": ("docker.io", "library/foo.bar", "latest", None, "foo.bar:latest"),
    "a__b/c--d/e.f_g": ("docker.io", "a__b/c--d/e.f_g", "latest", None, "a__b/c--d/e.f_g:latest"),
    f"nginx@{D}": ("docker.io", "library/nginx", None, D, f"nginx@{D}"),
    f"nginx:1@{D}": ("docker.io", "library/nginx", "1", D, f"nginx:1@{D}"),
    f"host:5000/x@{D}": ("host:5000", "x", None, D, f"host:5000/x@{D}"),
    "a" * 63: ("docker.io", "library/" + "a" * 63, "latest", None, "a" * 63 + ":latest"),
    "x:" + "t" * 128: ("docker.io", "library/x", "t" * 128, None, "x:" + "t" * 128),
    "x:_a.B-c": ("docker.io", "library/x", "_a.B-c", None, "x:_a.B-c"),
    "nginx:5000": ("docker.io", "library/nginx", "5000", None, "nginx:5000"),
    "xn--n3h.com/app": ("xn--n3h.com", "app", "latest", None, "xn--n3h.com/app:latest"),
    "h.io/" + "a" * 255: ("h.io", "a" * 255, "latest", None, "h.io/" + "a" * 255 + ":latest"),
}

INVALID = [
    "", " ", "/", "//", ":", "@", ":tag", "@" + D, "a//b", "/a", "a/", "a/:t", "a:", "a:t:u", "a:-t", "a:.t", "a:é",
    "x:" + "t" * 129, "Nginx", "me/App", "a b", "a\tb", "a\nb", "nginx\n", "nginx:1\n", "a..b", "a._b", "a___b", "_a",
    "a_", "-a", "a-", "a.", ".a", "a/_b", "é", "a@", "a@sha256", "a@sha256:", "a@sha256:abc", f"a@{D}x", f"a@{D}@{D}",
    "a@sha256:" + "A" * 64, "a@md5:" + "a" * 32, "a" * 64, "f" * 64 + ":tag", "http://a/b", "https://ghcr.io/o/r",
    "host:port/x", "host:/x", "host:123456/x", "-host.io/x", "host-.io/x", "[::1/x", "[zz]/x", "a.io/", "localhost/",
    "h.io/" + "a" * 256, "a:b/c", "a/../b", "a/./b", "user:pass@host/x", "a?b", "a#b", "a%20b", "..", ".", "a\0b",
]  # fmt: skip


@pytest.mark.parametrize("text", VALID)
def test_valid(text: str) -> None:
    host, path, tag, digest, familiar = VALID[text]
    found = Reference.parse(text)
    assert (found.host, found.path, found.tag, found.digest) == (host, path, tag, digest)
    assert found.familiar == familiar
    assert str(found) == f"{host}/{path}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    assert Reference.parse(found.familiar) == Reference.parse(str(found)) == found


@pytest.mark.parametrize("text", INVALID)
def test_invalid(text: str) -> None:
    with pytest.raises(Invalid):
        Reference.parse(text)


def test_why_is_said() -> None:
    with pytest.raises(Invalid, match="must be lowercase"):
        Reference.parse("me/App")
    with pytest.raises(Invalid, match="64 hex"):
        Reference.parse("a" * 64)
    with pytest.raises(Invalid, match="invalid reference format"):
        Reference.parse("a b")
    with pytest.raises(Invalid, match="repository name is missing"):
        Reference.parse("localhost/")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("https://quay.io/me/app", "without https://: quay.io/me/app"),
        ("docker://debian", "without docker://: debian"),
        ("debian;12", "[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]"),
        ("debian:", ""),
    ],
)
def test_what_to_write_is_said(text: str, hint: str) -> None:
    with pytest.raises(Invalid) as refused:
        Reference.parse(text)
    assert refused.value.hint == hint


def test_no_default_tag_where_none_is_wanted() -> None:
    assert Reference.parse("nginx", default_tag=None).tag is None
    assert Reference.parse("nginx", default_tag=None).familiar == "nginx"
    assert Reference.parse("nginx:1", default_tag=None).tag == "1"


def test_selectors() -> None:
    assert Reference.parse("nginx:1").selector == "1"
    assert Reference.parse(f"nginx:1@{D}").selector == D
    assert Reference.parse("nginx", default_tag=None).selector == "latest"
    assert Reference.parse("nginx:1").with_digest(Digest(D)).selector == D
    assert str(Reference.parse(f"nginx:1@{D}").with_tag("2")) == "docker.io/library/nginx:2"


components = st.from_regex(r"[a-z0-9]+(?:(?:[._]|__|-{1,3})[a-z0-9]+){0,3}", fullmatch=True)
repositories = st.lists(components, min_size=1, max_size=4).map("/".join).filter(lambda path: len(path) < 200)
hosts = st.sampled_from(["", "docker.io/", "index.docker.io/", "localhost/", "h:1/", "a.io/", "[::1]:5/", "UP/"])
tags = st.one_of(st.just(""), st.from_regex(r":[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", fullmatch=True))
digests = st.one_of(st.just(""), st.text("0123456789abcdef", min_size=64, max_size=64).map(lambda h: f"@sha256:{h}"))


@given(st.builds(lambda *parts: "".join(parts), hosts, repositories, tags, digests))
def test_what_is_valid_comes_back_the_same(text: str) -> None:
    try:
        found = Reference.parse(text)
    except Invalid:
        first = text.partition("/")[0]
        assert len(text.partition(":")[0].partition("@")[0]) == 64 or "_" in first  # like an id, or like no host
        return
    assert Reference.parse(found.familiar) == found
    assert Reference.parse(str(found)) == found
    assert Reference.parse(found.familiar).familiar == found.familiar


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = Reference.parse(text)
    except Invalid:
        return
    assert Reference.parse(found.familiar) == found


def test_digests_of_other_algorithms() -> None:
    """Another algorithm is no bad text; what is hashed is hashed with the one that is asked for."""
    with pytest.raises(Invalid, match="unsupported digest algorithm 'md5'"):
        Digest("md5:" + "a" * 32)
    with pytest.raises(Invalid, match="invalid digest"):
        Digest("md5 " + "a" * 32)
    for algorithm, size in (("sha256", 3), ("sha256", 1 << 20), ("sha512", 3)):
        assert hasher(algorithm, size, b"abc").hexdigest() == hashlib.new(algorithm, b"abc").hexdigest()
