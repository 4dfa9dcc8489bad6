"""The in-process registry's side of the protocol (OCI distribution-spec 1.1), one connection per thread."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from scow.errors import Invalid, NotFound, ScowError
from scow.oci import media_types
from scow.oci.digest import Digest
from scow.oci.documents import DOCUMENT_LIMIT, encode
from scow.testing.registry_auth import Gate
from scow.testing.registry_storage import Storage

_PIECE = 1 << 20
_DRAIN_LIMIT = 8 << 20
_SEEN_LIMIT = 10_000
_NAME = r"(?P<name>[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"
_DIGEST = r"(?P<digest>sha(?:256|512):[0-9a-f]+)"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
#: Path -> the method of :class:`Handler` that answers, by HTTP method.
_ROUTES: tuple[tuple[re.Pattern[str], dict[str, str]], ...] = tuple(
    (re.compile(pattern), methods)
    for pattern, methods in (
        (r"/v2/", {"GET": "_ping"}),
        (r"/v2/_catalog", {"GET": "_catalog"}),
        (rf"/v2/{_NAME}/tags/list", {"GET": "_tags"}),
        (rf"/v2/{_NAME}/referrers/{_DIGEST}", {"GET": "_referrers"}),
        (
            rf"/v2/{_NAME}/manifests/(?P<reference>[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}}|sha(?:256|512):[0-9a-f]+)",
            {"GET": "_manifest", "PUT": "_put_manifest", "DELETE": "_delete_manifest"},
        ),
        (rf"/v2/{_NAME}/blobs/{_DIGEST}", {"GET": "_blob", "DELETE": "_delete_blob"}),
        (rf"/v2/{_NAME}/blobs/uploads/?", {"POST": "_start_upload"}),
        (
            rf"/v2/{_NAME}/blobs/uploads/(?P<upload>[0-9a-f]{{32}})",
            {"GET": "_upload", "PATCH": "_append", "PUT": "_finish", "DELETE": "_cancel"},
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that arrived: header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)


@dataclass
class Premises:
    """What all connections of one registry share. ``fault`` sees each request first; true: it has answered."""

    storage: Storage
    gate: Gate
    tls: bool = False
    page_size: int = 1000
    fault: Callable[[Exchange], bool | None] | None = None
    log: Callable[[str], object] = lambda line: None
    base: str = ""
    seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=_SEEN_LIMIT))


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer: what a fault sees.

    A fault may call :meth:`answer` or :meth:`drop` and return ``True``, or set :attr:`cut` to break the connection
    after so many bytes of a blob, and let the registry answer.
    """

    protocol_version = "HTTP/1.1"
    server_version = "scow-test-registry"
    disable_nagle_algorithm = True
    method = ""
    query: dict[str, str]
    cut: int | None = None

    @property
    def premises(self) -> Premises:
        """What the server shares between requests."""
        return cast("Premises", self.server.premises)  # type: ignore[attr-defined]

    @property
    def url_path(self) -> str:
        """The path without its query."""
        return urlsplit(self.path).path

    def answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        """Answer at once; for HEAD the body only counts."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if not {"content-length", "transfer-encoding"} & {name.lower() for name in headers or {}}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def drop(self) -> None:
        """Break the connection."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def refuse(self, status: int, code: str, message: str = "", headers: dict[str, str] | None = None) -> None:
        """Answer with an error document."""
        body = json.dumps({"errors": [{"code": code, "message": message or code.lower().replace("_", " ")}]}).encode()
        self.answer(status, {"Content-Type": "application/json", **(headers or {})}, body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Tell the log, if there is one."""
        self.premises.log(format % args)


class Handler(Exchange):
    """Routes, checks who asks, answers."""

    def handle(self) -> None:
        """Answer requests until the connection ends."""
        with contextlib.suppress(OSError):  # whoever asked is gone, or never spoke our language
            if not self.premises.tls and self.connection.recv(1, socket.MSG_PEEK) == b"\x16":
                return  # a TLS hello: its sender must not wait for us
            super().handle()

    def _route(self) -> None:
        parts = urlsplit(self.path)
        self.method, self.query, self.cut = self.command, dict(parse_qsl(parts.query)), None
        self._left = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.premises.seen.append(Seen(self.command, parts.path, parts.query, headers))
        try:
            if not (self.premises.fault and self.premises.fault(self)):
                self._dispatch(parts.path)
        except NotFound as error:
            self.refuse(404, error.problem.upper().replace(" ", "_"))
        except ScowError as error:
            self.refuse(400, error.problem if error.problem.isupper() else "MANIFEST_INVALID", str(error))
        self._drain()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _route  # noqa: N815 - http.server's names

    def _dispatch(self, path: str) -> None:
        if path == "/token" and self.premises.gate.kind == "bearer":
            return self._token()
        for pattern, methods in _ROUTES:
            if match := pattern.fullmatch(path):
                name = methods.get("GET" if self.command == "HEAD" else self.command)
                if name is None:
                    return self.refuse(405, "UNSUPPORTED")
                if not self._admitted(match.groupdict().get("name", "")):
                    return None
                route: Callable[..., None] = getattr(self, name)
                return route(**match.groupdict())
        return self.refuse(404, "NAME_UNKNOWN")

    def _admitted(self, repository: str) -> bool:
        gate = self.premises.gate
        if gate.admits(self.command, repository, self.headers.get("Authorization", "")):
            return True
        challenge = gate.challenge(self.command, repository, self.premises.base)
        self.refuse(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": challenge})
        return False

    def _token(self) -> None:
        if self.command == "POST":
            grant = self.premises.gate.exchange(b"".join(self._body(DOCUMENT_LIMIT)).decode(errors="replace"))
        else:
            grant = self.premises.gate.token(urlsplit(self.path).query, self.headers.get("Authorization", ""))
        if grant is None:
            return self.refuse(401, "UNAUTHORIZED", "incorrect username or password")
        return self.answer(200, {"Content-Type": "application/json"}, json.dumps(grant).encode())

    # -- reading

    def _ping(self) -> None:
        self.answer(200, {"Docker-Distribution-Api-Version": "registry/2.0", "Content-Type": "application/json"}, b"{}")

    def _catalog(self) -> None:
        self._page("repositories", self.premises.storage.repositories(), {})

    def _tags(self, name: str) -> None:
        self._page("tags", self.premises.storage.tags(name), {"name": name})

    def _page(self, key: str, names: list[str], more: dict[str, str]) -> None:
        asked = self.query.get("n", "1000")
        if not (asked.isascii() and asked.isdigit() and len(asked) < 10):
            raise Invalid("PAGINATION_NUMBER_INVALID")
        size = min(int(asked), self.premises.page_size)
        rest = [name for name in names if name > self.query.get("last", "")]
        headers = {"Content-Type": "application/json"}
        if len(rest) > size:
            query = urlencode({"n": size, "last": rest[size - 1]})
            headers["Link"] = f'<{self.url_path}?{query}>; rel="next"'
        self.answer(200, headers, json.dumps({**more, key: rest[:size]}).encode())

    def _manifest(self, name: str, reference: str) -> None:
        digest, media_type, raw = self.premises.storage.manifest(name, reference)
        self.answer(200, {"Content-Type": media_type, "Docker-Content-Digest": digest}, raw)

    def _referrers(self, name: str, digest: str) -> None:
        found = self.premises.storage.referrers(name, Digest(digest))
        headers = {"Content-Type": media_types.OCI_INDEX}
        if wanted := self.query.get("artifactType"):
            found = [one for one in found if one.artifact_type == wanted]
            headers["OCI-Filters-Applied"] = "artifactType"
        rest = sorted((one for one in found if one.digest > self.query.get("last", "")), key=lambda one: one.digest)
        found, more = rest[: self.premises.page_size], rest[self.premises.page_size :]
        if more:
            query = urlencode({**self.query, "last": found[-1].digest})
            headers["Link"] = f'<{self.url_path}?{query}>; rel="next"'
        manifests = [msgspec.json.decode(encode(one)) for one in found]
        index = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": manifests}
        self.answer(200, headers, json.dumps(index).encode())

    def _blob(self, name: str, digest: str) -> None:
        path = self.premises.storage.blob(name, Digest(digest))
        size = path.stat().st_size
        match = _RANGE.fullmatch(self.headers.get("Range", ""))
        start = int(match[1]) if match else 0
        end = min(int(match[2]), size - 1) if match and match[2] else size - 1
        if match and start > end:
            return self.refuse(416, "SIZE_INVALID", headers={"Content-Range": f"bytes */{size}"})
        self.send_response(206 if match else 200)
        if match:
            self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
        for header, value in (
            ("Content-Type", "application/octet-stream"),
            ("Accept-Ranges", "bytes"),
            ("Docker-Content-Digest", digest),
            ("Content-Length", str(end - start + 1)),
        ):
            self.send_header(header, value)
        self.end_headers()
        return self._send_file(str(path), start, end - start + 1) if self.command == "GET" else None

    def _send_file(self, path: str, start: int, count: int) -> None:
        cut = self.cut is not None and self.cut < count
        with open(path, "rb") as stream:
            length = self.cut if cut and self.cut is not None else count
            if length:
                self.connection.sendfile(stream, start, length)
        if cut:
            self.drop()

    # -- writing

    def _start_upload(self, name: str) -> None:
        mount, source, whole = (self.query.get(key) for key in ("mount", "from", "digest"))
        if mount and source and self.premises.storage.mount(name, Digest(mount), source):
            return self._created(name, mount)
        upload = self.premises.storage.start_upload()
        if whole:
            return self._finish(name, upload)
        return self._accepted(name, upload, 0)

    def _upload(self, name: str, upload: str) -> None:
        size = self.premises.storage.upload(upload).stat().st_size
        self.answer(204, {"Location": f"/v2/{name}/blobs/uploads/{upload}", "Range": f"0-{max(size - 1, 0)}"})

    def _append(self, name: str, upload: str) -> None:
        path = self.premises.storage.upload(upload)
        at = path.stat().st_size
        told = self.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
        if told and told != str(at):
            return self.refuse(416, "BLOB_UPLOAD_INVALID", headers={"Range": f"0-{max(at - 1, 0)}"})
        self._receive(str(path))
        return self._accepted(name, upload, path.stat().st_size)

    def _finish(self, name: str, upload: str) -> None:
        storage, digest = self.premises.storage, Digest(self.query.get("digest", ""))
        path = storage.upload(upload)
        fresh = path.stat().st_size == 0
        received = self._receive(str(path), digest.algorithm if fresh else "")
        if not storage.finish_upload(name, upload, digest, received):
            return self.refuse(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        return self._created(name, digest)

    def _cancel(self, name: str, upload: str) -> None:
        self.premises.storage.upload(upload).unlink(missing_ok=True)
        self.answer(204)

    def _put_manifest(self, name: str, reference: str) -> None:
        raw = b"".join(self._body(DOCUMENT_LIMIT))
        media_type = self.headers.get("Content-Type", "")
        digest, subject = self.premises.storage.put_manifest(name, reference, media_type, raw)
        headers = {"Location": f"/v2/{name}/manifests/{digest}", "Docker-Content-Digest": digest}
        self.answer(201, headers | ({"OCI-Subject": subject} if subject else {}))

    def _delete_manifest(self, name: str, reference: str) -> None:
        self.premises.storage.delete_manifest(name, reference)
        self.answer(202)

    def _delete_blob(self, name: str, digest: str) -> None:
        self.premises.storage.forget_blob(name, Digest(digest))
        self.answer(202)

    def _created(self, name: str, digest: str) -> None:
        self.answer(201, {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest})

    def _accepted(self, name: str, upload: str, size: int) -> None:
        location = f"/v2/{name}/blobs/uploads/{upload}?_state=kept"
        self.answer(202, {"Location": location, "Range": f"0-{max(size - 1, 0)}", "Docker-Upload-UUID": upload})

    def _receive(self, path: str, algorithm: str = "") -> Digest | None:
        """Append the request's body to a file, hashed when ``algorithm`` says so."""
        hashed = hashlib.new(algorithm) if algorithm else None
        with open(path, "ab", buffering=0) as stream:
            for piece in self._body():
                if hashed:
                    hashed.update(piece)
                stream.write(piece)
        return Digest(f"{algorithm}:{hashed.hexdigest()}") if hashed else None

    def _body(self, limit: int | None = None) -> Iterator[memoryview]:
        """The request's body in pieces of one buffer: each is good until the next."""
        buffer = memoryview(bytearray(min(_PIECE, max(self._left, 64 << 10))))
        taken = 0
        for length in self._lengths():
            while length > 0:
                count = self.rfile.readinto(buffer[:length])
                if not count:
                    raise ConnectionResetError("body cut short")
                length, taken = length - count, taken + count
                if limit is not None and taken > limit:
                    self.close_connection = True  # the rest is not read
                    raise Invalid("SIZE_INVALID")
                yield buffer[:count]

    def _lengths(self) -> Iterator[int]:
        """The sizes of the body's stretches: one, or many of a chunked one (RFC 9112 section 7.1)."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            length, self._left = self._left, 0
            yield length
            return
        while length := int(self.rfile.readline(1024).partition(b";")[0] or b"0", 16):
            yield length
            self.rfile.readline(8)
        self.rfile.readline(8)

    def _drain(self) -> None:
        """Read what an early answer left unread, so that its reader gets it; too much of it ends the connection."""
        if self._left > _DRAIN_LIMIT or self.headers.get("Transfer-Encoding"):
            self.close_connection = self.close_connection or self._left > 0
            return
        with contextlib.suppress(OSError):
            for _ in self._body():
                pass
