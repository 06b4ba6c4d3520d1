"""What tests play a server with: answers that a test writes down, and a clock that stands still."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cordon_sdk import Client, CordonError
from cordon_sdk.deadline import Deadline
from cordon_sdk.transport import Request, Response

Step = Response | CordonError | Callable[[Request, Deadline], Response]


def says(status: int, document: Any = None, kind: str = "", **headers: str) -> Response:
    """An answer; a text is sent as it is."""
    named = {name.lower().replace("_", "-"): value for name, value in headers.items()}
    kind = kind or ("application/json" if status < 400 else "application/problem+json")
    body = document if isinstance(document, str) else json.dumps(document if document is not None else {})
    return Response(status, {"content-type": kind, **named}, body.encode())


YES = says(200, {"decision": True, "context": {"reasons": [{"code": "granted", "message": "It is granted."}]}})
NO = says(200, {"decision": False, "context": {"reasons": [{"code": "not_granted", "message": "Ask for it."}]}})


class Clock:
    """A clock that goes on by what is slept."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Sent:
    """A request that came."""

    target: str
    headers: Mapping[str, str]
    body: Any
    seconds: float  # that were left for it


class Stage:
    """A transport that plays steps, the last one again and again."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.sent: list[Sent] = []
        self.clock = Clock()

    def send(self, request: Request, deadline: Deadline) -> Response:
        body = json.loads(request.body) if request.body else None
        self.sent.append(Sent(request.target, request.headers, body, deadline.left()))
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, CordonError):
            raise step
        return step(request, deadline) if callable(step) else step

    def close(self) -> None:
        pass

    def client(self, **options: Any) -> Client:
        if "token" not in options:
            options.setdefault("key", "ck_test")
        client = Client("http://cordon.test/", transport=self, **options)
        client._wire.clock, client._wire.sleep = self.clock, self.clock.sleep
        return client
