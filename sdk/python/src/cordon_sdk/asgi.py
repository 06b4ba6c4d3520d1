"""Middleware for ASGI: Starlette, FastAPI, Django and others."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .asynchronous import AsyncClient
from .client import Client
from .decision import Decision
from .error import CordonError
from .middleware import DECISION, Gate, Refusal
from .question import Action, Resource, Subject

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class ASGIMiddleware:
    """Asks Cordon before an application runs, as WSGIMiddleware does; the application finds the decision as
    scope["cordon.decision"]. A websocket is asked about before it is accepted, and closed on anything but a yes."""

    def __init__(
        self,
        app: Application,
        client: Client | AsyncClient,
        *,
        subject: Callable[[Scope], str | Subject | None],
        action: Callable[[Scope], str | Action | None],
        resource: Callable[[Scope], str | Resource | None],
        skip: Callable[[Scope], bool] | None = None,
        language: Callable[[Scope], str] | None = None,
        on_deny: Callable[[Scope, Receive, Send, Decision], Awaitable[None]] | None = None,
        on_error: Callable[[Scope, Receive, Send, CordonError], Awaitable[None]] | None = None,
        log: logging.Logger | None = None,
    ) -> None:
        self._app = app
        self._client = client if isinstance(client, AsyncClient) else AsyncClient(client)
        self._on_deny = on_deny
        self._on_error = on_error
        self._gate: Gate[Scope] = Gate(
            subject, action, resource, skip, language or _accepted, log or logging.getLogger("cordon_sdk")
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.pop(DECISION, None)
        if scope["type"] == "lifespan" or self._gate.skips(scope):  # nobody's request, or one that is nobody's concern
            await self._app(scope, receive, send)
            return
        asked = self._gate.question(scope)
        if isinstance(asked, Refusal):
            await _answer(asked, scope, receive, send)
            return
        try:
            decision = await self._client.in_language(self._gate.speaks(scope)).decide(asked)
            refusal = self._gate.judge(decision)
        except CordonError as e:
            refusal = self._gate.fail(e, asked)
        if refusal is None:
            scope[DECISION] = decision
            await self._app(scope, receive, send)
            return
        said = False

        async def noted(message: MutableMapping[str, Any]) -> None:
            nonlocal said
            said = True
            await send(message)

        if refusal.decision is not None and self._on_deny is not None:
            await self._on_deny(scope, receive, noted, refusal.decision)
        elif refusal.error is not None and self._on_error is not None:
            await self._on_error(scope, receive, noted, refusal.error)
        else:
            await _answer(refusal, scope, receive, noted)
        if not said and scope["type"] == "http":  # a hook that says nothing is no answer of the service's own
            await _answer(refusal, scope, receive, send)


async def _answer(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()  # websocket.connect, which a close answers with 403
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(name.lower().encode(), value.encode()) for name, value in refusal.headers]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body})


def _accepted(scope: Scope) -> str:
    return ", ".join(value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"accept-language")
