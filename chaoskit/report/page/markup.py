"""Building HTML and SVG so that nothing unescaped can get in: only `tag` and `join` make `Html`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

# Control characters are not allowed in HTML; bidirectional overrides let a name pretend to be another one.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_VOID = frozenset({"meta", "br", "hr", "col"})


class Html(str):
    """Text that is markup already. Never make one from anything that a system under test said."""

    __slots__ = ()


def escape(value: object) -> Html:
    """`value` as text between tags or inside a quoted attribute."""
    if isinstance(value, Html):
        return value
    return Html(_FORBIDDEN.sub("\ufffd", str(value)).translate(_SPECIAL))


def join(parts: Iterable[object]) -> Html:
    """All parts, those that are not Html escaped; None is left out."""
    return Html("".join([escape(part) for part in parts if part is not None]))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """`tag("a", "text", href="#x", class_="y", data_at=1)`; None and False leave one out, True has no value."""
    opened = "<" + name
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        spelled = key.rstrip("_").replace("_", "-")
        opened += f" {spelled}" if value is True else f' {spelled}="{escape(value)}"'
    if name in _VOID:
        return Html(opened + ">")
    return Html(f"{opened}>{join(children)}</{name}>")


def json_block(identifier: str, value: Any) -> Html:
    """A data block for our own script. `<`, `>` and `&` are written as \\u escapes so that no string can end it."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Html(f'<script type="application/json" id="{escape(identifier)}">{safe}</script>')
