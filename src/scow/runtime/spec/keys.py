"""The keys that leave a container's terminal without ending it: docker's ``ctrl-p,ctrl-q``. Pure."""

from __future__ import annotations

from scow.errors import Invalid

DEFAULT = b"\x10\x11"
_NAMED = {"@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, "_": 31}


def detach_keys(text: str) -> bytes:
    """``ctrl-a,x`` -> the bytes that a terminal sends; raises :class:`Invalid`. Empty is the default."""
    return b"".join(_key(word) for word in text.split(",")) if text else DEFAULT


def _key(word: str) -> bytes:
    if len(word) == 1 and word.isascii():
        return word.encode()
    letter = word.lower().removeprefix("ctrl-")
    if word.lower().startswith("ctrl-") and len(letter) == 1:
        if "a" <= letter <= "z":
            return bytes([ord(letter) - ord("a") + 1])
        if letter in _NAMED:
            return bytes([_NAMED[letter]])
    raise Invalid(f"unknown key in the detach keys: '{word}'", hint="a letter, or ctrl- and one of a-z @ [ \\ ] ^ _")


class Typed:
    """What a user types on its way to a container; the beginning of the sequence is held back until it is over."""

    def __init__(self, sequence: bytes) -> None:
        self._sequence, self._seen = sequence, 0
        self.detached = False

    def passed(self, part: bytes) -> bytes:
        """What goes on to the container of ``part``; sets ``detached`` when the sequence was typed."""
        sent = bytearray()
        for number, byte in enumerate(part):
            if byte == self._sequence[self._seen]:
                self._seen += 1
                if self._seen == len(self._sequence):
                    self.detached, self._seen = True, 0
                    return bytes(sent)
                continue
            sent += self._sequence[: self._seen]
            self._seen = int(byte == self._sequence[0])
            if self._seen and len(self._sequence) == 1:
                self.detached = True
                return bytes(sent)
            if not self._seen:
                sent += part[number : number + 1]
        return bytes(sent)
