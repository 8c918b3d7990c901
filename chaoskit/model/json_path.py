"""Reading one value out of parsed JSON by a small path: `$.order.items[0].id`, or just `orderId`."""

from __future__ import annotations

import re
from typing import Any

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
PATH_PATTERN = r"^(\$|[\w-]+)(\.[\w-]+|\[\d+\])*$"


def read_path(path: str, document: Any) -> Any:
    """The value at `path`. Raises LookupError, naming the step that is missing."""
    value = document
    for name, index in _STEP.findall(path.removeprefix("$").lstrip(".")):
        try:
            value = value[int(index)] if index else value[name]
        except (LookupError, TypeError) as error:
            raise LookupError(f"{path}: nothing at {index or name!r}") from error
    return value
