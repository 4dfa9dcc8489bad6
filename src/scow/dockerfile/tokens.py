"""Cutting a logical line into tokens: the keyword, its flags, and the rest in one of three ways.

::

    line  := keyword ( space flag )* [ space "--" ] [ space rest ]
    flag  := "--" ( plain | quoted | escape any )*      quotes and escapes are taken away
"""

from __future__ import annotations

import re

import msgspec

from scow.dockerfile.span import LogicalLine, Token

#: White space as Go's unicode.IsSpace has it (Python's has four control characters more).
SPACE = frozenset("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(c) for c in range(0x2000, 0x200B)}
_SPACES = "".join(SPACE)
_BLANK = re.compile(r"[\t\v\f\r ]+")


class Cut(msgspec.Struct, frozen=True):
    """A logical line cut open; ``rest`` is what follows keyword and flags, without white space around it."""

    keyword: Token
    flags: tuple[Token, ...]
    rest: Token


def cut(line: LogicalLine, start: int, escape: str) -> Cut:
    """Cut ``line`` from ``start`` on."""
    whole = stripped(Token(line.text[start:], start, len(line.text)))
    found = _BLANK.search(whole.text)
    if found is None:
        return Cut(whole, (), Token("", whole.end, whole.end))
    keyword = whole.part(0, found.start())
    flags, at = _flags(whole.text, found.end(), escape)
    return Cut(
        keyword,
        tuple(Token(text, whole.start + a, whole.start + b) for text, a, b in flags),
        stripped(whole.part(at, len(whole.text) - at)),
    )


def stripped(token: Token) -> Token:
    """Without white space at its ends; the token is exact."""
    left = len(token.text) - len(token.text.lstrip(_SPACES))
    text = token.text.strip(_SPACES)
    return token.part(left, len(text)) if text else Token("", token.start, token.start)


def _flags(text: str, at: int, escape: str) -> tuple[list[tuple[str, int, int]], int]:
    """The words that begin with ``--`` (text, start, end), and where the rest begins."""
    flags: list[tuple[str, int, int]] = []
    while at < len(text):
        if text[at] in SPACE:
            at += 1
            continue
        if not text.startswith("--", at):
            break
        word, end = _unquoted(text, at, escape)
        if word == "--":
            return flags, end
        flags.append((word, at, end))
        at = end
    return flags, at


def _unquoted(text: str, at: int, escape: str) -> tuple[str, int]:
    """The word at ``at`` with quotes and escapes taken away, and its end."""
    out: list[str] = []
    quote = ""
    while at < len(text) and (quote or text[at] not in SPACE):
        char = text[at]
        if char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif char == escape:
            at += 1
            out.append(text[at : at + 1])
        else:
            out.append(char)
        at += 1
    return "".join(out), min(at, len(text))


def blank_separated(rest: Token) -> tuple[Token, ...]:
    """The arguments of instructions that know no quotes: split at blanks."""
    return tuple(rest.part(found.start(), len(found[0])) for found in re.finditer(r"[^\t\v\f\r ]+", rest.text))


def key_and_text(rest: Token) -> tuple[Token, Token] | None:
    """``key`` and all that follows it, split at the first blank; None without a blank."""
    found = _BLANK.search(rest.text)
    if found is None:
        return None
    return rest.part(0, found.start()), rest.part(found.end(), len(rest.text) - found.end())


def first_word(rest: Token) -> tuple[Token, Token]:
    """The first word, and what follows it without white space around; ``rest`` is stripped."""
    end = next((at for at, char in enumerate(rest.text) if char in SPACE), len(rest.text))
    return rest.part(0, end), stripped(rest.part(end, len(rest.text) - end))


def quoted_words(rest: Token, escape: str) -> tuple[Token, ...]:
    """The arguments of instructions that know quotes: split at white space outside quotes, quotes and escapes kept."""
    found: list[Token] = []
    text, at = rest.text, 0
    while at < len(text):
        if text[at] in SPACE:
            at += 1
            continue
        word, end = _quoted_word(text, at, escape)
        if word:
            found.append(Token(word, rest.start + at, rest.start + end))
        at = end
    return tuple(found)


def _quoted_word(text: str, at: int, escape: str) -> tuple[str, int]:
    """The word at ``at`` as written, but for an escape that ends the text."""
    out: list[str] = []
    quote = ""
    while at < len(text) and (quote or text[at] not in SPACE):
        char = text[at]
        if char == escape and quote != "'":
            if at + 1 == len(text):
                return "".join(out), at + 1
            out.append(char)
            at += 1
            char = text[at]
        elif char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        out.append(char)
        at += 1
    return "".join(out), at
