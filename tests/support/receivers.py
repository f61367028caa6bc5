"""Those who are told: a web server and a mail server of a test's own, which take, refuse or keep silent as it says."""

from __future__ import annotations

import json
import socketserver
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
def web_server(receiver: Receiver) -> Iterator[Receiver]:
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
        receiver.address = f"http://127.0.0.1:{server.server_port}/hook"
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
    """`refuses`: what is answered to DATA, None: taken. `letters`: what came."""

    refuses: bytes | None = None
    port: int = 0
    letters: list[bytes] = field(default_factory=list)
    spoken: list[bytes] = field(default_factory=list)


@contextmanager
def mail_server(server: MailServer) -> Iterator[MailServer]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say(b"220 here")
            while line := self.rfile.readline():
                server.spoken.append(line.strip())
                word = line[:4].upper().strip()
                if word == b"EHLO":
                    self.say(b"250 here")
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

    class Quiet(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Quiet(("127.0.0.1", 0), Handler) as listening:
        server.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
