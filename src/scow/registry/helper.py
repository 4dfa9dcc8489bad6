"""Credential helpers: programs that keep secrets (docker-credential-helpers' protocol).

``docker-credential-NAME get|store|erase``: the server's URL, or a JSON record, goes in on stdin; JSON or one line
of text about what is wrong comes out on stdout.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import time

import msgspec

from scow.errors import Denied, Invalid, Limit, ScowError, Unavailable, Unsupported
from scow.oci.documents import decode, encode
from scow.registry.refusal import quoted

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_OUTPUT_LIMIT = 1 << 20
_NOT_FOUND = "credentials not found"


class _Secret(msgspec.Struct):
    username: str = msgspec.field(name="Username", default="")
    secret: str = msgspec.field(name="Secret", default="")


class Helper(msgspec.Struct, frozen=True):
    """The helper ``docker-credential-NAME``; ``timeout`` in seconds: a keychain may have to ask its owner."""

    name: str
    timeout: float = 60.0

    @property
    def program(self) -> str:
        """The helper's program."""
        return f"docker-credential-{self.name}"

    def get(self, server: str) -> tuple[str, str] | None:
        """User name and secret for ``server``, or ``None``."""
        status, output = self._run("get", server.encode())
        if status:
            if _NOT_FOUND in output.decode(errors="replace").lower():
                return None
            raise self._failed("get", output)
        found = decode(output, _Secret, self.program)
        return (found.username, found.secret) if found.username or found.secret else None

    def store(self, server: str, username: str, secret: str) -> None:
        """Hand the helper a credential to keep."""
        record = {"ServerURL": server, "Username": username, "Secret": secret}
        status, output = self._run("store", encode(record))
        if status:
            raise self._failed("store", output)

    def erase(self, server: str) -> None:
        """Forget ``server``; what is not there is forgotten already."""
        status, output = self._run("erase", server.encode())
        if status and _NOT_FOUND not in output.decode(errors="replace").lower():
            raise self._failed("erase", output)

    def _failed(self, verb: str, output: bytes) -> ScowError:
        words = quoted(output.decode(errors="replace"), 200)
        return Denied(f"{verb} failed: {words or 'no reason given'}", subject=self.program)

    def _run(self, verb: str, sent: bytes) -> tuple[int, bytes]:
        if not _NAME.fullmatch(self.name):
            raise Invalid("not the name of a credential helper", subject=quoted(self.name, 60))
        try:
            process = subprocess.Popen(
                [self.program, verb], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise Unsupported(
                f"credential helper cannot be started: {error.strerror}",
                subject=self.program,
                hint="install it, or take it out of config.json (credsStore, credHelpers)",
            ) from None
        with process:
            try:
                return self._talk(process, sent)
            finally:
                process.kill()

    def _talk(self, process: subprocess.Popen[bytes], sent: bytes) -> tuple[int, bytes]:
        if process.stdin is None or process.stdout is None:
            raise Unsupported("no pipes", subject=self.program)
        deadline = time.monotonic() + self.timeout
        try:
            process.stdin.write(sent)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it did not want to know; its output says more
        output = bytearray()
        while part := self._read(process.stdout.fileno(), deadline):
            output += part
            if len(output) > _OUTPUT_LIMIT:
                raise Limit(f"credential helper wrote more than {_OUTPUT_LIMIT} bytes", subject=self.program)
        try:
            return process.wait(max(deadline - time.monotonic(), 0.1)), bytes(output)
        except subprocess.TimeoutExpired:
            raise self._late() from None

    def _read(self, fd: int, deadline: float) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            raise self._late()
        return os.read(fd, 64 << 10)

    def _late(self) -> Unavailable:
        return Unavailable(f"credential helper did not answer within {self.timeout:.0f} seconds", subject=self.program)
