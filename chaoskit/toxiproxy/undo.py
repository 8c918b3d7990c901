"""Take back what we did to a Toxiproxy, with nothing but the journal: for the watchdog after a kill -9.

Standard library only, no HTTP client, and imports where they are used: the watchdog must start in milliseconds, and
nearly never has anything to undo.
Idempotent: what is gone already is fine, and so is an engine that is gone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

KINDS = ("toxic", "proxy", "enable")
TIMEOUT_S = 2.0
_GONE = "engine gone"

Value = str | int | float | bool


def undo(kind: str, args: Mapping[str, Value]) -> str:
    """Undo one change; says how it went, beginning with `failed: ` if it could not be undone.

    `toxic {url, proxy, toxic}` removes a toxic (and, where that hangs, deletes and recreates the proxy, from
    `listen` and `upstream` if given where not even reading it works any more);
    `proxy {url, proxy}` deletes a proxy; `enable {url, proxy, enabled}` opens or closes one.
    Raises ValueError for another kind.
    """
    if kind not in KINDS:
        raise ValueError(f"not an undo of Toxiproxy: {kind}")
    url, path = str(args["url"]), f"/proxies/{_quoted(args['proxy'])}"
    try:
        if kind == "toxic":
            return _remove_toxic(url, path, args)
        if kind == "proxy":
            return _done(_exchange(url, "DELETE", path), "proxy deleted")
        return _done(_exchange(url, "POST", path, {"enabled": bool(args["enabled"])}), "proxy set back")
    except ConnectionRefusedError:
        return _GONE
    except TimeoutError:
        return "failed: the engine does not answer"
    except (OSError, ValueError) as error:
        return f"failed: {error}"


def _remove_toxic(url: str, path: str, args: Mapping[str, Value]) -> str:
    import json

    toxic = str(args["toxic"])
    proxy: dict[str, object] = {"name": args["proxy"], "enabled": True}
    proxy |= {key: args[key] for key in ("listen", "upstream") if key in args}
    try:
        status, content = _exchange(url, "GET", path)
        if status == 404:
            return "was gone"
        proxy |= json.loads(content)
        return _done(_exchange(url, "DELETE", f"{path}/toxics/{_quoted(toxic)}"), "toxic removed")
    except TimeoutError:
        if "upstream" not in proxy:
            raise
    return _recreate(url, path, proxy, without=toxic)


def _recreate(url: str, path: str, proxy: dict[str, object], *, without: str) -> str:
    """Deleting the proxy works where removing its toxic hangs; everything else of it is put back."""
    toxics = [row for row in _rows(proxy.pop("toxics", None)) if row["name"] != without]
    enabled = proxy["enabled"]
    _done(_exchange(url, "DELETE", path), "")
    for where, body in [
        ("/proxies", {**proxy, "enabled": False}),
        *((f"{path}/toxics", row) for row in toxics),
        (path, {"enabled": enabled}),
    ]:
        result = _done(_exchange(url, "POST", where, body), "")
        if result:
            return result
    return "toxic removed with its proxy, which was recreated"


def _quoted(name: Value) -> str:
    from urllib.parse import quote

    return quote(str(name), safe="")


def _rows(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []


def _done(answer: tuple[int, bytes], text: str) -> str:
    status, content = answer
    if status == 404:
        return "was gone"
    return text if status < 400 else f"failed: {status} {content.decode(errors='replace')[:200]}"


def _exchange(url: str, method: str, path: str, body: object = None) -> tuple[int, bytes]:
    """(status, content) of one HTTP/1.0 exchange, which ends with the connection: nothing to parse but the head."""
    import json
    import socket
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    payload = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.0\r\nHost: {parts.netloc}\r\nUser-Agent: chaoskit\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
    deadline = time.monotonic() + TIMEOUT_S
    with socket.create_connection((parts.hostname or "", parts.port or 8474), TIMEOUT_S) as connection:
        connection.sendall(head.encode() + payload)
        received = b""
        while True:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            data = connection.recv(65536)
            if not data:
                break
            received += data
    top, found, content = received.partition(b"\r\n\r\n")
    if not found or not top.startswith(b"HTTP/1."):
        raise OSError("what answers there is no Toxiproxy")
    return int(top.split(maxsplit=2)[1]), content
