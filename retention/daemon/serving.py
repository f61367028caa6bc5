"""The daemon over HTTP: is it alive, is it ready, its metrics. It reads nothing from who asks but the path."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from retention.daemon.vitals import Life
from retention.errors import SetupError
from retention.model.settings import Listen

_ALIVE = 60.0
"""Seconds without a look after which the daemon is not alive."""
_PATIENCE = 5.0
"""Seconds that a client may take for one read or write, and twice that for everything."""
_AT_ONCE = 32


class Pages:
    """What is answered: path → (status, type, body)."""

    def __init__(
        self, life: Callable[[], Life], elapsed: Callable[[], float], metrics: Callable[[], bytes]
    ) -> None:
        self._life, self._elapsed, self._metrics = life, elapsed, metrics

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """The page of a path; 404 for others."""
        match path.partition("?")[0]:
            case "/healthz":
                alive = 0 <= self._elapsed() - self._life().ticked < _ALIVE
                return _json(200 if alive else 503, {"alive": alive})
            case "/readyz":
                life = self._life()
                told = {
                    "ready": life.ready,
                    "configured": life.valid,
                    "state": life.state,
                    "ledger": life.verified is True,
                    "stores": dict(life.reached),
                }
                return _json(200 if life.ready else 503, told)
            case "/metrics":
                return 200, "text/plain; version=0.0.4; charset=utf-8", self._metrics()
            case _:
                return _json(404, {"error": "there are /healthz, /readyz and /metrics"})


class Server:
    """Answers on an address until it is closed, in threads of its own, 32 clients at once."""

    def __init__(self, listen: Listen, pages: Pages) -> None:
        """Raises SetupError where the address can't be had."""
        handler = type("Handler", (_Handler,), {"pages": pages})
        kind = type("Http", (_Http,), {"address_family": _family(listen)})
        try:
            self._http = kind((listen.host, listen.port), handler)
        except OSError as error:
            raise SetupError(
                f"{listen}: it is not possible to listen there: {error.strerror or error};"
                " write another address, or end what is there"
            ) from error
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.5,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answers nobody any more."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(2)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, *arguments: Any) -> None:
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        ending = threading.Timer(2 * _PATIENCE, _cut, args=(request,))
        ending.daemon = True
        ending.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            ending.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off, or writes what is no request, is nobody's concern."""


class _Handler(BaseHTTPRequestHandler):
    pages: Pages
    timeout = _PATIENCE
    server_version = "retention"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        status, kind, content = self.pages.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """What is asked is not logged."""


def _cut(request: Any) -> None:
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


def _family(listen: Listen) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in listen.host else socket.AF_INET


def _json(status: int, told: dict[str, object]) -> tuple[int, str, bytes]:
    return status, "application/json", (json.dumps(told) + "\n").encode()
