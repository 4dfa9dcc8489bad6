"""JSON as Go's ``encoding/json`` writes it for docker: compact, keys in the order given, ``<>&`` as they are."""

from __future__ import annotations

import json
import math

from scow.cli.gotemplate import scalars
from scow.cli.gotemplate.values import Sink, Value, decoded, encoded, entries, is_list, is_map, is_nil
from scow.errors import Invalid, escaped


def to_json(value: Value) -> str:
    """Compact JSON; methods are left out."""
    sink = Sink()
    _write(sink, value)
    return sink.text()


def _write(sink: Sink, value: Value) -> None:
    if is_nil(value):
        sink.write("null")
    elif isinstance(value, str):
        sink.write(_text(value))
    elif is_map(value):
        sink.write("{")
        for at, (key, item) in enumerate(entries(value)):
            sink.write(("," if at else "") + _text(key) + ":")
            _write(sink, item)
        sink.write("}")
    elif is_list(value):
        sink.write("[")
        for at, item in enumerate(value):
            sink.write("," if at else "")
            _write(sink, item)
        sink.write("]")
    else:
        sink.write(_scalar(value))


def _text(text: str) -> str:
    return escaped(json.dumps(decoded(encoded(text)), ensure_ascii=False))


def _scalar(value: Value) -> str:
    if isinstance(value, bool):
        return json.dumps(value)
    if not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        raise Invalid(f"json: unsupported value: {scalars.shown(value, scalars.Directive('v'))}")
    text = scalars.shortest(value, large=21, small=-6)
    return text[:-2] + text[-1] if text[-4:-1] == "e-0" else text
