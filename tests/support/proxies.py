"""A relay between a driver and its server that can lose the answer to a commit."""

from __future__ import annotations

import contextlib
import socket
import threading


class Relay:
    """Listens on a port of its own; `lose` says what becomes of the next COMMIT.

    None: nothing. "answer": the server gets it, and its answer is lost. "question": the server never
    gets it. Either way the connection is closed then. `asked`: how often a client sent something.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self.lose: str | None = None
        self.lost = 0
        self.asked = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                threading.Thread(target=self._up, args=(client, server), daemon=True).start()
                threading.Thread(target=self._down, args=(server, client), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                self.asked += 1
                if data.rstrip(b"\0").endswith(b"COMMIT") and self.lose is not None:
                    how, self.lose = self.lose, None
                    self.lost += 1
                    if how == "answer":
                        client.shutdown(socket.SHUT_RDWR)  # before the server is asked: nothing comes back
                        server.sendall(data)
                        self._drain(server)
                    break
                server.sendall(data)
        self._close(client, server)

    @staticmethod
    def _drain(server: socket.socket) -> None:
        """Until the server has answered: then it has committed."""
        server.settimeout(10)
        with contextlib.suppress(OSError):
            server.recv(1 << 16)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                client.sendall(data)
        self._close(client, server)

    @staticmethod
    def _close(*ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        self._listening.close()
        self._close(*self._open)
