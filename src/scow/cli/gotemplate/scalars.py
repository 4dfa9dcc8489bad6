"""One string, number or truth value under one ``printf`` verb, as Go's ``fmt`` and ``strconv`` print it."""

from __future__ import annotations

import math
from decimal import Decimal

import msgspec

from scow.cli.gotemplate.values import Value, encoded, is_int
from scow.oci.quoting import quote

_BASES = {"d": ("d", ""), "v": ("d", ""), "b": ("b", "0b"), "o": ("o", "0"), "O": ("o", ""), "x": ("x", "0x")}


class Directive(msgspec.Struct, frozen=True):
    """``%`` flags width ``.`` precision verb."""

    verb: str
    flags: frozenset[str] = frozenset()
    width: int | None = None
    precision: int | None = None

    def plain(self) -> Directive:
        """The same with ``%v``: how a wrong verb's operand is shown."""
        return msgspec.structs.replace(self, verb="v")


def shown(value: Value, how: Directive) -> str | None:
    """The text, or None when the verb does not fit the type."""
    if isinstance(value, bool):
        return pad("true" if value else "false", how) if how.verb in "tv" else None
    if is_int(value):
        return _integer(value, how)
    if isinstance(value, float):
        return _float(value, how)
    if isinstance(value, str):
        return _string(value, how)
    return pad(str(value), how) if how.verb in "vs" else None


def pad(text: str, how: Directive, zeros: bool = True) -> str:
    """At least ``width`` characters, to the right unless the flag ``-`` stands; the flag ``0`` fills with zeros."""
    width = how.width or 0
    if "-" in how.flags:
        return text.ljust(width)
    return text.rjust(width, "0" if zeros and "0" in how.flags else " ")


def _string(value: str, how: Directive) -> str | None:
    if how.precision is not None and how.verb in "vsq":
        value = value[: how.precision]
    if how.verb in "vs":
        return pad(value, how)
    if how.verb == "q":
        raw = "#" in how.flags and "`" not in value and (value.replace("\t", " ").isprintable())
        return pad(f"`{value}`" if raw else quote(value, ascii_only="+" in how.flags), how)
    if how.verb in "xX":
        return pad(_hex(encoded(value)[: how.precision], how), how)
    return None


def _hex(raw: bytes, how: Directive) -> str:
    prefix = "0x" if "#" in how.flags and raw else ""
    text = " ".join(f"{prefix}{byte:02x}" for byte in raw) if " " in how.flags else prefix + raw.hex()
    return text.upper() if how.verb == "X" else text


def _integer(value: int, how: Directive) -> str | None:
    if how.verb == "c":
        return pad(_rune(value), how)
    if how.verb == "q":
        return pad(quote(_rune(value), mark="'", ascii_only="+" in how.flags), how)
    if how.verb == "U":
        shown_rune = f" '{_rune(value)}'" if "#" in how.flags and _rune(value).isprintable() else ""
        return pad(f"U+{value % (1 << 64):04X}{shown_rune}", how, zeros=False)
    if how.verb.lower() not in _BASES and how.verb != "O":
        return None
    if how.verb in "DVB":
        return None
    if how.precision == 0 and value == 0:
        return " " * (how.width or 0)
    base, prefix = _BASES[how.verb] if how.verb in _BASES else _BASES[how.verb.lower()]
    digits = format(abs(value), base).rjust(how.precision or 0, "0")
    sign = _sign(value < 0, how)
    if how.precision is None and "0" in how.flags and "-" not in how.flags:
        digits = digits.rjust((how.width or 0) - len(sign), "0")
    if "#" in how.flags and not (base == "o" and digits[0] == "0"):
        digits = prefix + digits
    if how.verb == "O":
        digits = "0o" + digits
    return pad(sign + (digits.upper() if how.verb == "X" else digits), how, zeros=False)


def _rune(value: int) -> str:
    return chr(value) if 0 <= value <= 0x10FFFF and not 0xD800 <= value < 0xE000 else "�"


def _sign(negative: bool, how: Directive) -> str:
    if negative:
        return "-"
    return "+" if "+" in how.flags else " " if " " in how.flags else ""


def _float(value: float, how: Directive) -> str | None:
    if how.verb not in "veEfFgGxX":
        return None
    if math.isfinite(value):
        text = _finite(abs(value), how.verb, how.precision)
    else:
        text = "NaN" if math.isnan(value) else "Inf"
    negative = math.copysign(1, value) < 0 and not math.isnan(value)
    sign = _sign(negative, how)
    if text == "Inf" and not sign:
        sign = "+"
    if "0" in how.flags and "-" not in how.flags and math.isfinite(value):
        text = text.rjust((how.width or 0) - len(sign), "0")
    return pad(sign + text, how, zeros=False)


def _finite(value: float, verb: str, precision: int | None) -> str:
    kind = "g" if verb == "v" else verb.lower()
    if kind == "x":
        text = _float_hex(value)
    elif kind == "g":
        text = shortest(value) if precision is None else f"{value:.{precision}g}"
    else:
        text = f"{value:.{6 if precision is None else precision}{kind}}"
    return text.upper() if verb in "EGX" else text


def _float_hex(value: float) -> str:
    mantissa, _, exponent = value.hex().partition("p")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa or '0x0'}p{exponent[0]}{exponent[1:].rjust(2, '0')}"


def shortest(value: float, large: int = 6, small: int = -4) -> str:
    """The fewest digits that read back as ``value``; with an exponent from 10**large and below 10**small."""
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    number = Decimal(repr(value)).normalize()
    exponent = number.adjusted()
    if small <= exponent < large:
        return format(number, "f")
    digits = "".join(map(str, number.as_tuple().digits))
    mantissa = digits[0] + ("." + digits[1:] if digits[1:] else "")
    return f"{'-' if value < 0 else ''}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
