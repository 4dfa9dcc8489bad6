"""What a registry is asked, and what its answers mean (OCI distribution-spec 1.1; docker's registry HTTP API v2).

PURE: requests are values that the transport sends; answers are values read here. Endpoints by their number in the
specification (distribution-spec, "Endpoints"):

=====  ======================================================  =====================
end-1  ``GET /v2/``                                            :func:`ping`
end-2  ``GET/HEAD /v2/<name>/blobs/<digest>``                  :func:`blob`
end-3  ``GET/HEAD /v2/<name>/manifests/<reference>``           :func:`manifest`
end-4  ``POST /v2/<name>/blobs/uploads/``                      :func:`start_upload`
end-5  ``PATCH <location>``                                    :func:`append_upload`
end-6  ``PUT <location>?digest=<digest>``                      :func:`finish_upload`
end-7  ``PUT /v2/<name>/manifests/<reference>``                :func:`put_manifest`
end-8  ``GET /v2/<name>/tags/list?n=<n>``                      :func:`tags`
end-9  ``DELETE /v2/<name>/manifests/<reference>``             :func:`delete_manifest`
end-11 ``POST /v2/<name>/blobs/uploads/?mount=&from=``         :func:`start_upload`
end-12 ``GET /v2/<name>/referrers/<digest>``                   :func:`referrers`
=====  ======================================================  =====================
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

import msgspec

from scow.errors import Integrity, Invalid, ScowError
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.documents import decode
from scow.oci.reference import is_tag

#: An error body is read to here and no further.
ERROR_LIMIT = 64 << 10
#: Entries asked for per page of a listing.
PAGE_SIZE = 1000
#: What a manifest request takes: the order is the preference.
ACCEPTED = (
    media_types.OCI_INDEX,
    media_types.OCI_MANIFEST,
    media_types.DOCKER_INDEX,
    media_types.DOCKER_MANIFEST,
    *sorted(media_types.SCHEMA1),  # only to be refused by name, instead of an odd 404
)
ACCEPT = ", ".join((*ACCEPTED, "*/*;q=0.1"))
_LINK = r"<([^>]*)>((?:\s*;\s*[^,;]+)*)"
_TAG_SHOWN = 60
_DIGITS = 19
_NEXT = r"(?i:rel\s*=\s*\"?next\"?)"


class Request(msgspec.Struct, frozen=True):
    """One request. ``path`` starts with ``/`` and is relative to the registry, or is a whole URL (a Location)."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = {}
    body: bytes | None = None

    @property
    def target(self) -> str:
        """``path`` with the query appended to the one it may already have."""
        if not self.query:
            return self.path
        return self.path + ("&" if "?" in self.path else "?") + urlencode(self.query, quote_via=quote)


class Answer(msgspec.Struct, frozen=True):
    """A response read whole: header names in lower case, ``body`` bounded by whoever read it."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


def ping() -> Request:
    """``GET /v2/``: is a registry there?"""
    return Request("GET", "/v2/")


def manifest(method: str, path: str, reference: str, accept: str = "") -> Request:
    """GET or HEAD a manifest by tag or digest; ``accept`` is a media type wanted besides the usual ones."""
    wanted = ACCEPT if not accept or accept in ACCEPTED else f"{accept}, {ACCEPT}"
    return Request(method, f"/v2/{path}/manifests/{reference}", headers={"Accept": wanted})


def put_manifest(path: str, reference: str, media_type: str, raw: bytes) -> Request:
    """PUT a manifest under a tag or digest."""
    return Request("PUT", f"/v2/{path}/manifests/{reference}", headers={"Content-Type": media_type}, body=raw)


def delete_manifest(path: str, reference: str) -> Request:
    """DELETE a manifest by tag or digest."""
    return Request("DELETE", f"/v2/{path}/manifests/{reference}")


def blob(method: str, path: str, digest: str, offset: int = 0, end: int | None = None) -> Request:
    """GET or HEAD a blob, from ``offset`` to ``end``, or to its own end."""
    return Request(method, f"/v2/{path}/blobs/{digest}", headers=byte_range(offset, end))


def byte_range(offset: int, end: int | None = None) -> dict[str, str]:
    """The Range header for all from an offset on, or up to ``end``, which is not part of it."""
    if end is not None:
        return {"Range": f"bytes={offset}-{end - 1}"}
    return {"Range": f"bytes={offset}-"} if offset else {}


def start_upload(path: str, mount: str | None = None, source: str | None = None) -> Request:
    """Open an upload session, or have the registry take blob ``mount`` from its repository ``source``."""
    query = (("mount", mount), ("from", source)) if mount and source else ()
    return Request("POST", f"/v2/{path}/blobs/uploads/", query, body=b"")


def append_upload(location: str, start: int, length: int) -> Request:
    """PATCH ``length`` bytes on, of which ``start`` is the first (chunked upload)."""
    span = {"Content-Range": f"{start}-{start + length - 1}"}
    return Request("PATCH", location, headers={"Content-Type": "application/octet-stream", **span})


def finish_upload(location: str, digest: str) -> Request:
    """Close the session; the body, if any, is what was not sent yet."""
    return Request("PUT", location, (("digest", digest),), {"Content-Type": "application/octet-stream"})


def tags(path: str) -> Request:
    """GET the first page of the tags."""
    return Request("GET", f"/v2/{path}/tags/list", (("n", str(PAGE_SIZE)),))


def referrers(path: str, digest: str, artifact_type: str | None = None) -> Request:
    """GET the manifests whose subject is a digest."""
    query = (("artifactType", artifact_type),) if artifact_type else ()
    return Request("GET", f"/v2/{path}/referrers/{digest}", query, {"Accept": media_types.OCI_INDEX})


def referrers_tag(digest: Digest) -> str:
    """Where referrers live at a registry without the referrers API (distribution-spec, "Referrers Tag Schema")."""
    return f"{digest.algorithm}-{digest.hex}"


def location(answer: Answer, asked: str) -> str:
    """The absolute URL that a Location header means, ``asked`` being the URL that was asked.

    It may be relative, and its query must be kept. A registry behind a TLS proxy often believes it speaks http:
    the same host name over http is taken as the place that was asked.
    """
    header = answer.headers.get("location", "")
    if not header:
        raise Invalid("the registry accepted the upload without saying where it goes on", subject=_host(asked))
    return same_place(header, asked)


def same_place(target: str, asked: str) -> str:
    """The URL that ``target`` means, seen from ``asked``.

    Moved back to the origin of ``asked`` where it is only a downgrade to http of the same host name.
    """
    url = http_url(target, asked)
    told, known = urlsplit(url), urlsplit(asked)
    if told.scheme == "http" and known.scheme == "https" and told.hostname == known.hostname:
        return urlunsplit(("https", known.netloc, told.path, told.query, ""))
    return url


def http_url(text: str, base: str = "") -> str:
    """``text`` as an absolute http(s) URL, without user and fragment. Raises :class:`Invalid` for any other."""
    try:
        parts = urlsplit(urljoin(base, text))
        netloc = parts.netloc.rpartition("@")[2]
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))
    except ValueError:  # brackets that do not match, a port that is no number
        pass
    raise Invalid("the registry points to something that is not an http URL", subject=_host(base))


def next_page(answer: Answer, asked: str) -> Request | None:
    """The request for the following page (RFC 8288 Link header); always to the registry that was asked."""
    for target, params in re.findall(_LINK, answer.headers.get("link", "")):
        if re.search(_NEXT, params):
            parts = urlsplit(http_url(target, asked))
            return Request("GET", parts.path, tuple(parse_qsl(parts.query, keep_blank_values=True)))
    return None


def length(headers: Mapping[str, str]) -> int | None:
    """The Content-Length, if the answer has one that a length can be."""
    text = headers.get("content-length", "")
    return int(text) if text.isdecimal() and len(text) < _DIGITS else None


def described(answer: Answer) -> Descriptor | None:
    """The descriptor that a HEAD of a manifest tells, or ``None`` where the registry leaves something out."""
    size, kind = length(answer.headers), media_type(answer)
    try:
        digest = Digest(answer.headers.get("docker-content-digest", ""))
    except ScowError:
        return None
    if not size or kind not in ACCEPTED:
        return None
    return Descriptor(kind, digest, size)


def describe(answer: Answer, asked: Digest | None, subject: str) -> Descriptor:
    """The descriptor of a manifest that was fetched whole, whose bytes are checked against every digest known."""
    actual = Digest.of(answer.body)
    claimed = answer.headers.get("docker-content-digest", "")
    if asked is not None and asked.algorithm == "sha256" and asked != actual:
        raise _tampered(subject, asked, actual)
    if asked is None and claimed.startswith("sha256:") and claimed != actual:
        raise _tampered(subject, claimed, actual)
    return Descriptor(_kind(answer, subject), asked or actual, len(answer.body))


def media_type(answer: Answer) -> str:
    """The Content-Type without its parameters."""
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()


class _Tags(msgspec.Struct):
    tags: list[str] | None = None


class _Kind(msgspec.Struct, rename="camel"):
    media_type: str = ""
    manifests: Any = None
    fs_layers: Any = None


def tag_names(answer: Answer, subject: str) -> list[str]:
    """One page of ``tags/list``; registries answer ``null`` for none."""
    tags = decode(answer.body, _Tags, subject).tags or []
    for tag in tags:
        if not is_tag(tag):
            raise Invalid(f"the registry lists what is no tag: {tag[:_TAG_SHOWN]!r}", subject=subject)
    return tags


def _kind(answer: Answer, subject: str) -> str:
    """What a manifest is, when the Content-Type does not tell (some registries answer text/plain)."""
    told = media_type(answer)
    if told in ACCEPTED:
        return told
    probe = decode(answer.body, _Kind, subject)
    if probe.media_type:
        return probe.media_type
    if probe.fs_layers is not None:
        return sorted(media_types.SCHEMA1)[0]
    return media_types.OCI_INDEX if probe.manifests is not None else media_types.OCI_MANIFEST


def _tampered(subject: str, expected: str, actual: str) -> Integrity:
    return Integrity(
        "manifest does not have its digest: it was damaged or changed on the way",
        subject=subject,
        expected=expected,
        actual=actual,
    )


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
