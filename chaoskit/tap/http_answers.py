"""Answers that the tap makes up or changes: whole heads and bodies, right in length, framing and connection."""

from __future__ import annotations

import http
from collections.abc import Mapping

from chaoskit.tap.http_framing import CHUNKED, dechunk

BODY_BYTES_MAX = 8 << 20
"""Answers with longer bodies than this are passed on unchanged by `change_body`, which must hold them whole."""
_PROMISED_BYTES = 1024


def _reason(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Injected"


def answer(params: Mapping[str, str | int | float], method: str, *, close: bool) -> bytes:
    """A complete answer. `params`: status, body (text), headers (lines `Name: value`)."""
    status = int(params.get("status", 503))
    body = str(params.get("body", "")).encode()
    lines = [line.strip() for line in str(params.get("headers", "")).splitlines() if line.strip()]
    names = {line.split(":", 1)[0].strip().lower() for line in lines}
    head = [f"HTTP/1.1 {status} {_reason(status)}", *lines]
    bodiless = status < 200 or status in (204, 304)
    if not bodiless and "content-type" not in names:
        head.append(
            "Content-Type: " + ("application/json" if body[:1] in (b"{", b"[") else "text/plain; charset=utf-8")
        )
    if not bodiless:
        head.append(f"Content-Length: {len(body)}")
    if close:
        head.append("Connection: close")
    text = "\r\n".join(head).encode("latin-1", "replace") + b"\r\n\r\n"
    return text if bodiless or method == "HEAD" else text + body


def headers_only() -> bytes:
    """A head that promises a body which never comes."""
    return (f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {_PROMISED_BYTES}\r\n\r\n").encode()


def without_header(head: bytes, name: bytes) -> bytes:
    """The head without any header called `name` (lower case)."""
    lines = head.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.lower().startswith(name + b":"))


def ask_for_plain_body(head: bytes) -> bytes:
    """A request head that allows no compressed answer, as nothing can be found in one."""
    return without_header(head, b"accept-encoding")[:-2] + b"Accept-Encoding: identity\r\n\r\n"


def _header(head: bytes, name: bytes) -> bytes:
    """The value of the first header called `name` (lower case), itself in lower case; b"" without one."""
    for line in head.lower().split(b"\r\n")[1:]:
        if line.startswith(name + b":"):
            return line[len(name) + 1 :].strip()
    return b""


def changed(message: bytes, head_bytes: int, length: int, params: Mapping[str, str | int | float]) -> bytes | None:
    """A complete answer with `find` replaced by `replace` in its body; None where there is nothing to replace.

    `length` is its body length or framing as `read_response` gave it. The result always has a Content-Length.
    """
    head, body = message[:head_bytes], message[head_bytes:]
    find, replace = str(params["find"]).encode(), str(params["replace"]).encode()
    if _header(head, b"content-encoding") not in (b"", b"identity"):
        return None
    if length == CHUNKED:
        body = dechunk(body)
    if not find or find not in body:
        return None
    body = body.replace(find, replace)
    for name in (b"content-length", b"transfer-encoding", b"trailer"):
        head = without_header(head, name)
    return head[:-2] + b"Content-Length: %d\r\n\r\n" % len(body) + body
