"""Requests and answers without a network: the tables and the odd ways of registries."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from scow.oci import media_types
from scow.oci.digest import Digest
from scow.registry import protocol
from scow.registry.protocol import Answer
from scow.registry.refusal import quoted, refusal, retry_after

_ASKED = "https://reg.example/v2/a/blobs/uploads/"


def _errors(*reasons: tuple[str, str]) -> bytes:
    return json.dumps(
        {"errors": [{"code": code, "message": text, "detail": {"x": 1}} for code, text in reasons]}
    ).encode()


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/v2/a/blobs/uploads/1?_state=x%2By", "https://reg.example/v2/a/blobs/uploads/1?_state=x%2By"),
        ("1?s=t", "https://reg.example/v2/a/blobs/uploads/1?s=t"),
        ("https://other.example/u?k=v", "https://other.example/u?k=v"),
        ("http://reg.example/v2/u?k=v", "https://reg.example/v2/u?k=v"),
        ("http://other.example/u", "http://other.example/u"),
    ],
)
def test_upload_location(location: str, expected: str) -> None:
    assert protocol.location(Answer(202, {"location": location}), _ASKED) == expected


def test_an_upload_without_a_location_is_refused() -> None:
    with pytest.raises(Invalid):
        protocol.location(Answer(202, {}), _ASKED)


def test_the_digest_joins_the_query_that_is_there() -> None:
    finish = protocol.finish_upload("https://r/u?_state=a%2Fb", "sha256:00")
    assert finish.target == "https://r/u?_state=a%2Fb&digest=sha256%3A00"
    assert protocol.finish_upload("https://r/u", "sha256:00").target == "https://r/u?digest=sha256%3A00"


def test_an_append_says_which_bytes_it_brings() -> None:
    append = protocol.append_upload("https://r/u", 10, 5)
    assert (append.method, append.headers["Content-Range"]) == ("PATCH", "10-14")


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ('</v2/a/tags/list?n=2&last=b>; rel="next"', "/v2/a/tags/list?n=2&last=b"),
        ("<https://elsewhere.example/v2/a/tags/list?last=b>;rel=next", "/v2/a/tags/list?last=b"),
        ('</x>; rel="prev", </v2/a/tags/list?last=c>; rel="next"', "/v2/a/tags/list?last=c"),
        ('</x>; rel="prev"', None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_next_page_stays_at_the_registry(link: str, target: str | None) -> None:
    following = protocol.next_page(Answer(200, {"link": link}), "https://reg.example/v2/a/tags/list?n=2")
    assert (following.target if following else None) == target


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (404, _errors(("MANIFEST_UNKNOWN", "manifest unknown")), NotFound, "manifest unknown"),
        (401, b"", Denied, "unauthorized: authentication required"),
        (403, _errors(("DENIED", "requested access to the resource is denied")), Denied, "denied: requested access"),
        (400, _errors(("DIGEST_INVALID", "no match")), Integrity, "digest invalid: no match"),
        (400, _errors(("TOOMANYREQUESTS", "slow down")), Unavailable, "toomanyrequests: slow down"),
        (400, b"<html>", Invalid, "unexpected HTTP status 400"),
        (405, _errors(("UNSUPPORTED", "")), Unsupported, "unsupported"),
        (409, b"", Conflict, "409"),
        (413, b"", Limit, "too large"),
        (418, b"[]", Invalid, "418"),
        (429, b'{"message":"rate limit"}', Unavailable, "rate limit"),
        (503, b'{"errors":[]}', Unavailable, "service unavailable"),
        (599, b"", Unavailable, "599"),
        (403, b'{"errors":[{"code":5}]}', Denied, "denied"),
        (403, b'{"errors":[{"code":"DENIED","message":null}]}', Denied, "denied"),
        (500, b"[" * 200_000, Unavailable, "internal server error"),
    ],
)
def test_statuses_and_codes_become_errors(status: int, body: bytes, kind: type[ScowError], words: str) -> None:
    error = refusal(Answer(status, {}, body))
    assert type(error) is kind
    assert words in str(error)


def test_several_reasons_are_joined_after_what_was_asked() -> None:
    body = _errors(("DENIED", "no"), ("NAME_UNKNOWN", "name unknown"))
    assert (
        str(refusal(Answer(403, {}, body), context="push of x denied")) == "push of x denied: denied: no; name unknown"
    )


@given(st.text(max_size=3000))
def test_quoted_words_are_one_short_clean_line(text: str) -> None:
    body = json.dumps({"errors": [{"code": "X", "message": text}] * 9}).encode()
    error = refusal(Answer(400, {}, body))
    assert str(error).isprintable()
    assert len(str(error)) < 3000
    assert len(quoted(text, 50)) <= 50


@given(st.binary(max_size=500), st.integers(400, 599))
def test_any_body_is_survived(body: bytes, status: int) -> None:
    assert isinstance(refusal(Answer(status, {}, body)), ScowError)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("99999999", 86400.0),
        ("999999999999999999", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("Wed, 21 Oct 2026 07:28:10 GMT", 10.0),
        ("Wed, 21 Oct 2020 07:28:10 GMT", 0.0),
    ],
)
def test_retry_after(text: str, expected: float | None) -> None:
    assert retry_after({"retry-after": text, "date": "Wed, 21 Oct 2026 07:28:00 GMT"}) == expected


def test_retry_after_is_told_with_the_error() -> None:
    error = refusal(Answer(429, {"retry-after": "7"}))
    assert isinstance(error, Unavailable)
    assert error.retry_after == 7.0
    assert "7 seconds" in error.hint


_RAW = b'{"schemaVersion":2,"manifests":[]}'


@pytest.mark.parametrize(
    ("told", "body", "expected"),
    [
        (media_types.OCI_INDEX + "; charset=utf-8", _RAW, media_types.OCI_INDEX),
        ("text/plain", _RAW, media_types.OCI_INDEX),
        ("", b'{"schemaVersion":2,"config":{},"layers":[]}', media_types.OCI_MANIFEST),
        ("application/json", b'{"mediaType":"application/x"}', "application/x"),
        ("application/json", b'{"schemaVersion":1,"fsLayers":[]}', sorted(media_types.SCHEMA1)[0]),
    ],
)
def test_the_kind_of_a_manifest_is_found(told: str, body: bytes, expected: str) -> None:
    found = protocol.describe(Answer(200, {"content-type": told}, body), None, "x")
    assert (found.media_type, found.digest, found.size) == (expected, Digest.of(body), len(body))


def test_a_manifest_is_checked_against_what_was_asked_and_what_was_claimed() -> None:
    other = Digest.of(b"other")
    with pytest.raises(Integrity):
        protocol.describe(Answer(200, {}, _RAW), other, "x")
    with pytest.raises(Integrity):
        protocol.describe(Answer(200, {"docker-content-digest": other}, _RAW), None, "x")


@pytest.mark.parametrize(
    "missing", ["docker-content-digest", "content-length", "content-type"], ids=lambda name: str(name)
)
def test_a_head_that_tells_too_little_is_no_answer(missing: str) -> None:
    whole = {
        "docker-content-digest": str(Digest.of(_RAW)),
        "content-length": "34",
        "content-type": media_types.OCI_INDEX,
    }
    assert protocol.described(Answer(200, whole)) is not None
    assert protocol.described(Answer(200, {k: v for k, v in whole.items() if k != missing})) is None


_URLISH = st.text(st.sampled_from("htps:/[]@?#%&=.0123456789ab \t\n\x00é"), max_size=30)


@given(_URLISH | st.text(max_size=50), st.sampled_from(["", "https:", "http://", "https://[", "//u:p@"]))
def test_whatever_a_registry_points_to_is_an_http_url_or_refused(text: str, start: str) -> None:
    try:
        url = protocol.location(Answer(202, {"location": start + text}), _ASKED)
        protocol.next_page(Answer(200, {"link": f'<{start}{text}>; rel="next"'}), _ASKED)
    except Invalid:
        return
    parts = urlsplit(url)
    assert parts.scheme in ("http", "https")
    assert parts.hostname
    assert parts.username is None


@pytest.mark.parametrize("realm", ["", "/token", "file:///etc/passwd", "http://[x", "https://h:port/", "https://h:0/"])
def test_a_realm_must_be_an_http_url(realm: str) -> None:
    with pytest.raises(Invalid):
        protocol.http_url(realm)


def test_another_media_type_is_asked_for_besides_the_usual_ones() -> None:
    usual = protocol.manifest("GET", "a", "1").headers["Accept"]
    assert media_types.OCI_MANIFEST in usual
    assert protocol.manifest("GET", "a", "1", media_types.OCI_MANIFEST).headers["Accept"] == usual
    assert protocol.manifest("GET", "a", "1", "x/y").headers["Accept"] == f"x/y, {usual}"
