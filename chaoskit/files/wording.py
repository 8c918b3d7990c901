"""What pydantic found, in our words: what was expected, what stands there, how to write it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chaoskit.files.suggestion import did_you_mean

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}

_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def expected(kind: str) -> str | None:
    """What a pydantic type error asked for: `"int_parsing"` → "a whole number"; None for other kinds of error."""
    return _EXPECTED.get(kind)


def message_and_remedy(error: Mapping[str, Any]) -> tuple[str, str]:
    """(what is wrong, how to write it) for one entry of `ValidationError.errors()`, apart from unknown keys."""
    kind, found, context = error["type"], error["input"], error.get("ctx", {})
    if kind in _EXPECTED:
        remedy = f'quote it: "{found}"' if kind == "string_type" and isinstance(found, (int, float)) else ""
        return f"expected {_EXPECTED[kind]}, found {shown(found)}", remedy
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return f"must be {words} {context[name]}, found {shown(found)}", ""
    if kind == "literal_error":
        return _literal(found, context)
    if kind == "value_error":
        return _split(str(context["error"]))
    if kind in ("too_short", "string_too_short"):
        least = context.get("min_length", 1)
        return ("is empty" if not found else f"needs at least {least} entries"), "write at least one"
    if kind == "string_pattern_mismatch":
        return f"{shown(found)} does not fit {context['pattern']}", "use letters, digits, '.', '_' and '-'"
    return f"{error['msg'][:1].lower()}{error['msg'][1:]}, found {shown(found)}", ""


def shown(value: Any) -> str:
    """A value as a person would name it, short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = str(value)
    return f"'{text if len(text) <= 60 else text[:57] + '…'}'"


def _literal(found: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    message = f"expected {context['expected']}, found {shown(found)}"
    choices = [word.strip(" '") for word in context["expected"].replace(" or ", ",").split(",")]
    suggestion = did_you_mean(str(found), choices)
    return message, suggestion if suggestion.startswith("did") else ""


def _split(text: str) -> tuple[str, str]:
    """`"not a rate: '5'; write for example 50/s"` → its two halves."""
    what, separator, remedy = text.partition("; ")
    if not separator:
        what, separator, remedy = text.partition(": write ")
        remedy = f"write {remedy}" if separator else ""
    return what, remedy
