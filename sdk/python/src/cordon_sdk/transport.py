"""How requests get to the server."""

from __future__ import annotations

import http.client
import os
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .connection import Connection
from .deadline import Deadline
from .error import BadAnswer, Unavailable

# Above what the largest page holds, far below what would hurt the caller.
_LONGEST = 32 << 20

# As many wait for the next call as there may be threads that ask at once.
_KEPT = 64


@dataclass(frozen=True)
class Request:
    """A request that may be sent again: nothing here is done twice."""

    method: str
    target: str  # path and query
    headers: Mapping[str, str] = field(repr=False)  # with what the caller shows
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Response:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class Transport(Protocol):
    """Carries requests to one server. A test may put another in its place."""

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Send a request and read the whole answer, or raise Unavailable. It is called by many threads at once."""

    def close(self) -> None:
        """Close what is kept open."""


class HTTPTransport:
    """Carries requests over connections that are kept, each used by one thread at a time. It follows no redirect, so that a
    key is taken nowhere else, and knows no proxy."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._kept: list[Connection] = []

    def send(self, request: Request, deadline: Deadline) -> Response:
        while True:
            connection = self._take()
            connection.deadline = deadline
            try:
                response = _exchange(connection, request)
            except BaseException as e:
                # Nothing is known of what else comes on it, so nobody uses it again.
                connection.close()
                if connection.used and isinstance(e, (ConnectionError, http.client.BadStatusLine)):
                    continue  # the server had closed it, which is no failure of this request
                if isinstance(e, (OSError, http.client.IncompleteRead)):
                    raise Unavailable(_told(e, deadline)) from e
                if isinstance(e, http.client.HTTPException):
                    raise BadAnswer(f"the answer is no HTTP: {e!r}") from e
                raise
            if connection.sock is not None:
                connection.used = True
                self._keep(connection)
            return response

    def close(self) -> None:
        with self._lock:
            kept, self._kept = self._kept, []
        for connection in kept:
            connection.close()

    def _take(self) -> Connection:
        # A process that was forked shares the sockets of its parent, and would read answers to its parent's questions.
        if self._process != os.getpid():
            self._start()
        while True:
            with self._lock:
                if not self._kept:
                    return Connection(self._host, self._port, self._tls)
                connection = self._kept.pop()
            if connection.idle():
                return connection
            connection.close()

    def _keep(self, connection: Connection) -> None:
        with self._lock:
            if len(self._kept) < _KEPT:
                self._kept.append(connection)
                return
        connection.close()


def _exchange(connection: Connection, request: Request) -> Response:
    connection.request(request.method, request.target, request.body, dict(request.headers))
    with connection.getresponse() as response:
        body = response.read(_LONGEST + 1)
        if len(body) > _LONGEST:
            raise BadAnswer(f"the answer is longer than {_LONGEST >> 20} MiB")
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)  # it may not be sent again as if nothing had come
        headers: dict[str, str] = {}
        for name, value in response.getheaders():
            name = name.lower()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return Response(response.status, headers, body)


def _told(e: Exception, deadline: Deadline) -> str:
    if isinstance(e, TimeoutError):
        return f"no answer within {deadline.seconds:g} s"
    return f"the server was not reached: {e}"
