"""What went wrong, in few words: few enough different ones to be counted, clear enough to be read."""

from __future__ import annotations

import socket
import traceback
from pathlib import Path

import gevent
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError
from geventhttpclient.useragent import RetriesExceeded
from locust.contrib.fasthttp import LocustBadStatusCode
from requests.exceptions import HTTPError
from requests.exceptions import Timeout as RequestsTimeout

_LENGTH_MAX = 200


def is_status(error: BaseException) -> bool:
    """True for an answer whose status Locust does not like: an answer all the same."""
    return isinstance(error, (LocustBadStatusCode, HTTPError))


def error_text(error: BaseException) -> str:
    """The reason why there was no (whole) answer."""
    if isinstance(error, RetriesExceeded):
        error = getattr(error, "original", None) or error
    if isinstance(error, (gevent.Timeout, TimeoutError, RequestsTimeout)):
        return "timeout"
    if isinstance(error, HTTPConnectionClosed):
        return "connection closed without an answer"
    if isinstance(error, HTTPParseError):
        return f"bad or cut answer: {error}"[:_LENGTH_MAX]
    if isinstance(error, socket.gaierror):
        return "host name not found"
    return _by_words(str(error)) or f"{type(error).__name__}: {error}"[:_LENGTH_MAX]


def _by_words(text: str) -> str:
    """requests wraps the socket's error several times over; its words survive."""
    for words in ("Connection refused", "Connection reset", "Broken pipe", "closed connection without response"):
        if words in text:
            return words.lower()
    return ""


def place_of(error: BaseException, file: str) -> str:
    """`file.py:12` of the innermost frame in the user's own folder, or of the innermost one."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    folder = str(Path(file).resolve().parent)
    own = [frame for frame in frames if frame.filename.startswith(folder)] or list(frames)
    return f"{own[-1].filename}:{own[-1].lineno}" if own else file


class UserCodeBroken(Exception):
    """The user's load class can't be used, or its tasks fail by themselves; the message names the place."""
