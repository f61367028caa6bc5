"""Those who are told: a web server and a mail server of a test's own, which take, refuse or keep silent as it says."""

from __future__ import annotations

import base64
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(kw_only=True)
class Receiver:
    """`status`: what is answered; `heard`: headers and bodies of what came; `go_on` is waited for before an answer."""

    status: int = 204
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    address: str = ""

    def told(self) -> list[tuple[str, str]]:
        """State and kind of each message."""
        documents = [json.loads(body) for _, body in self.heard]
        return [(each["state"], each["kind"]) for each in documents]


@contextmanager
def web_server(receiver: Receiver, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.heard.append((dict(self.headers.items()), body))
            receiver.go_on.wait()
            self.send_response(receiver.status)
            self.send_header("Location", receiver.address)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    with Quiet(("127.0.0.1", 0), Handler) as server:
        receiver.address = f"http{'' if tls is None else 's'}://127.0.0.1:{server.server_port}/hook"
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        receiver.go_on.set()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.go_on.set()
            server.shutdown()


@dataclass(kw_only=True)
class MailServer:
    """`refuses`: what is answered to DATA, None: taken. `letters`: what came.

    With `tls` it offers STARTTLS; with `login`, name and password, it takes no letter from who has not said them, and
    offers that behind TLS only.
    """

    refuses: bytes | None = None
    tls: ssl.SSLContext | None = None
    login: tuple[str, str] | None = None
    port: int = 0
    letters: list[bytes] = field(default_factory=list)
    spoken: list[bytes] = field(default_factory=list)


@contextmanager
def mail_server(server: MailServer) -> Iterator[MailServer]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.known, self.safe = server.login is None, False
            self.say(b"220 here")
            while line := self.rfile.readline():
                server.spoken.append(line.strip())
                word = line[:4].upper().strip()
                if word == b"EHLO":
                    offers = [b"STARTTLS"] * (server.tls is not None and not self.safe)
                    offers += [b"AUTH PLAIN"] * (server.login is not None and self.safe)
                    *others, last = (b"here", *offers)
                    for offer in others:
                        self.say(b"250-" + offer)
                    self.say(b"250 " + last)
                elif word == b"STAR" and server.tls is not None:
                    self.say(b"220 go on")
                    self.encrypt(server.tls)
                elif word == b"AUTH" and self.safe:
                    name, password = base64.b64decode(line.split()[2]).decode().split("\0")[1:]
                    self.known = (name, password) == server.login
                    self.say(b"235 well" if self.known else b"535 who are you")
                elif word in (b"MAIL", b"RCPT", b"DATA") and not self.known:
                    self.say(b"530 who are you")
                elif word == b"DATA" and server.refuses is not None:
                    self.say(server.refuses)
                elif word == b"DATA":
                    self.say(b"354 go on")
                    letter = b""
                    while not letter.endswith(b"\r\n.\r\n"):
                        letter += self.rfile.readline()
                    server.letters.append(letter)
                    self.say(b"250 taken")
                elif word == b"QUIT":
                    self.say(b"221 bye")
                    return
                else:
                    self.say(b"250 well")

        def say(self, line: bytes) -> None:
            self.wfile.write(line + b"\r\n")

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def encrypt(self, tls: ssl.SSLContext) -> None:
            self.request = self.connection = tls.wrap_socket(self.request, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", buffering=0)
            self.safe = True

    class Quiet(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    with Quiet(("127.0.0.1", 0), Handler) as listening:
        server.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
