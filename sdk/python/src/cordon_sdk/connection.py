"""Connections that are kept: a decision is to cost one round trip, and a handshake costs several."""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
from typing import Any, cast

from .deadline import Deadline


class Connection(http.client.HTTPConnection):
    """One connection, used by one call at a time, every step of which ends by the call's deadline."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port)
        self.default_port = http.client.HTTP_PORT if tls is None else http.client.HTTPS_PORT
        self.deadline = Deadline(0)
        self.used = False  # has carried an answer already
        self._tls = tls
        self._socket: socket.socket | None = None

    def connect(self) -> None:
        dialled = _dial(self.host, self.port, self.deadline)
        try:
            dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                dialled.settimeout(self.deadline.left())
                dialled = self._tls.wrap_socket(dialled, server_hostname=self.host)
        except BaseException:
            dialled.close()
            raise
        self._socket = dialled
        self.sock = cast(socket.socket, _Channel(dialled, self))

    def idle(self) -> bool:
        """Tell whether nothing has come since the last answer. The end of the connection counts as something."""
        if self._socket is None or self.sock is None:
            return False
        try:
            if hasattr(select, "poll"):  # select knows no file above 1,023
                poll = select.poll()
                poll.register(self._socket, select.POLLIN)
                return not poll.poll(0)
            return not select.select([self._socket], [], [], 0)[0]
        except (OSError, ValueError):
            return False


class _Channel:
    """A socket, as http.client uses it: head and body of a request are written apart, and sent as one."""

    def __init__(self, dialled: socket.socket, connection: Connection) -> None:
        self._socket = dialled
        self._connection = connection
        self._written: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self._written.append(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        request, self._written = b"".join(self._written), []
        self._socket.settimeout(self._connection.deadline.left())
        self._socket.sendall(request)
        return io.BufferedReader(_Reads(self._socket, self._connection), 65536)

    def close(self) -> None:
        self._socket.close()


class _Reads(io.RawIOBase):
    """What comes in of one answer."""

    def __init__(self, dialled: socket.socket, connection: Connection) -> None:
        self._socket = dialled
        self._connection = connection
        self._raw = dialled.makefile("rb", buffering=0)  # keeps the socket open until the answer is read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(self._connection.deadline.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _dial(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Dial the addresses of a host in turn, none of them with the time of those behind it."""
    addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    failure: OSError = OSError(f"{host} has no address")
    for n, (family, kind, protocol, _, address) in enumerate(addresses):
        dialled = socket.socket(family, kind, protocol)
        try:
            dialled.settimeout(deadline.left() / (len(addresses) - n))
            dialled.connect(address)
            return dialled
        except OSError as e:
            dialled.close()
            failure = e
        except BaseException:
            dialled.close()
            raise
    raise failure
