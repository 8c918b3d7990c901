"""The part of toxiproxy-python that serves here, imported without what it costs.

Importing it imports `requests`, 180 ms of CPU of which nothing is used here: our own kept-alive connection carries the
calls. For the time of the import an empty module stands in for `requests`; afterwards the package is given one that
loads the real thing at the first use, so whoever else calls it in this process finds it whole.
"""

from __future__ import annotations

import functools
import importlib
import sys
import threading
import types
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

_importing = threading.Lock()


class ProxyState(Protocol):
    """toxiproxy-python's `Proxy`, as far as it is data."""

    name: str
    upstream: str
    enabled: bool
    listen: str


class ToxicState(Protocol):
    """toxiproxy-python's `Toxic`."""

    name: str
    type: str
    stream: str
    toxicity: float
    attributes: Mapping[str, int]


class ToxiproxyPython(Struct, frozen=True):
    """`validate_response` raises `not_found`, `exists` or `invalid` by an answer's status, else returns it."""

    make_proxy: Callable[..., ProxyState]
    make_toxic: Callable[..., ToxicState]
    validate_response: Callable[..., Any]
    not_found: type[Exception]
    exists: type[Exception]
    invalid: type[Exception]


@functools.cache
def toxiproxy_python() -> ToxiproxyPython:
    """Its types, its exceptions, and its reading of a status."""
    api = _import_api()
    proxy = importlib.import_module("toxiproxy.proxy")
    toxic = importlib.import_module("toxiproxy.toxic")
    return ToxiproxyPython(
        make_proxy=proxy.Proxy,
        make_toxic=toxic.Toxic,
        validate_response=api.validate_response,
        not_found=api.NotFound,
        exists=api.ProxyExists,
        invalid=api.InvalidToxic,
    )


class _Deferred(types.ModuleType):
    """Stands for `requests` until somebody needs it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("requests"), name)


def _import_api() -> Any:
    with _importing:
        if "toxiproxy" in sys.modules or "requests" in sys.modules:
            return importlib.import_module("toxiproxy.api")
        stand_in = _Deferred("requests")
        sys.modules["requests"] = stand_in
        try:
            return importlib.import_module("toxiproxy.api")  # keeps the stand-in under its name `requests`
        finally:
            if sys.modules.get("requests") is stand_in:
                del sys.modules["requests"]
