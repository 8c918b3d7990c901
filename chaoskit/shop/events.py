"""The shop's events and what each must carry; contracts/messages/ shows them to others."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

BODY_BYTES_MAX = 256 * 1024
CENTS_MAX, QUANTITY_MAX = 10**12, 10**6


class Poison(Exception):
    """A message that cannot be meaningful: no retry will help."""


def is_text(value: Any) -> bool:
    """A string of 1 to 200 printable characters."""
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable()


def is_amount(value: Any) -> bool:
    """A whole number of cents."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= CENTS_MAX


def is_items(value: Any) -> bool:
    """A list of at least one `{sku, quantity}` with a whole quantity."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(item, dict)
            and is_text(item.get("sku"))
            and isinstance(item.get("quantity"), int)
            and not isinstance(item["quantity"], bool)
            and 1 <= item["quantity"] <= QUANTITY_MAX
            for item in value
        )
    )


Fields = Mapping[str, Callable[[Any], bool]]
_ORDER: Fields = {"orderId": is_text, "customerId": is_text, "items": is_items, "total": is_amount}
EVENTS: Mapping[str, Fields] = {
    "order.placed": _ORDER,
    "checkout.initiated": _ORDER,
    "order.created": {"orderId": is_text, "items": is_items, "total": is_amount},
    "inventory.reserved": {"orderId": is_text, "total": is_amount},
    "inventory.failed": {"orderId": is_text, "reason": is_text},
    "payment.completed": {"orderId": is_text},
    "payment.failed": {"orderId": is_text},
}


def parse(event: str, body: bytes, content_type: str | None) -> dict[str, Any]:
    """The message's JSON object. Raises Poison: not JSON, or a field is missing or of the wrong type.

    Fields we don't know are left alone: a producer may add some.
    """
    if content_type not in (None, "", "application/json"):
        raise Poison(f"content type {content_type}")
    if len(body) > BODY_BYTES_MAX:
        raise Poison(f"{len(body)} bytes")
    try:
        document = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Poison(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise Poison("not a JSON object")
    if document.get("version", 1) != 1:
        raise Poison(f"version {document['version']!r}")
    if wrong := [name for name, valid in EVENTS[event].items() if not valid(document.get(name))]:
        raise Poison(f"{', '.join(wrong)} missing or of the wrong type")
    return document
