"""Both services of the tiny system in one file, on the standard library: `python service.py front|back PORT`.

`front` answers `GET /` with what `back` says, or with `{"back": null}` when back fails; BACK_URL says where it is.
Its breaker opens after three failures in a row, for RESET_S seconds. BYPASS=1 makes no call at all over BACK_URL.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

TIMEOUT_S = float(os.environ.get("TIMEOUT_S", "0.3"))
RESET_S = float(os.environ.get("RESET_S", "0.8"))


class Breaker:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.failures = 0
        self.opened = 0.0
        self.probing = False

    def admit(self) -> bool:
        with self.lock:
            if self.failures < 3:
                return True
            if time.monotonic() - self.opened < RESET_S or self.probing:
                return False
            self.probing = True
            return True

    def settle(self, succeeded: bool) -> None:
        with self.lock:
            self.probing = False
            self.failures = 0 if succeeded else self.failures + 1
            if self.failures >= 3:
                self.opened = time.monotonic()


BREAKER = Breaker()


def ask_back() -> object:
    if not BREAKER.admit():
        return None
    answer = call(os.environ["BACK_URL"])
    BREAKER.settle(answer is not None)
    return answer


def call(url: str) -> object:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        body = answer.read()
        return json.loads(body) if answer.status == 200 else None
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        answer = {"back": ask_back()} if sys.argv[1] == "front" and self.path == "/" else {"ok": True}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
