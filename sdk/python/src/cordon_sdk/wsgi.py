"""Middleware for WSGI: Flask, Django, Pyramid and others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from .client import Client
from .decision import Decision
from .error import CordonError
from .middleware import DECISION, Gate, Refusal
from .question import Action, Resource, Subject

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class WSGIMiddleware:
    """Asks Cordon before an application runs. It runs on a yes alone, and finds it as environ["cordon.decision"]; a no is
    answered with 403 and the reasons, and where there is no answer, for whatever reason, the request is answered with 503,
    and with 500 where the action is one that no rule knows.

    Subject says who sent the request, as the service has authenticated them, action and resource what the request does, and
    to what; a text is a user, an action, or a product. Without a subject the answer is 401, without one of the others 403,
    and Cordon is not asked. Skip tells what is let through unasked, such as a health check, by True and nothing else.
    Language is that of a denial; unless told, what Accept-Language says. On_deny answers a denial in the service's own way,
    on_error what could not be decided; the application does not run, whatever they do.
    """

    def __init__(
        self,
        app: Application,
        client: Client,
        *,
        subject: Callable[[Environ], str | Subject | None],
        action: Callable[[Environ], str | Action | None],
        resource: Callable[[Environ], str | Resource | None],
        skip: Callable[[Environ], bool] | None = None,
        language: Callable[[Environ], str] | None = None,
        on_deny: Callable[[Environ, StartResponse, Decision], Iterable[bytes]] | None = None,
        on_error: Callable[[Environ, StartResponse, CordonError], Iterable[bytes]] | None = None,
        log: logging.Logger | None = None,
    ) -> None:
        self._app = app
        self._client = client
        self._on_deny = on_deny
        self._on_error = on_error
        self._gate: Gate[Environ] = Gate(
            subject, action, resource, skip, language or _accepted, log or logging.getLogger("cordon_sdk")
        )

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ.pop(DECISION, None)
        if self._gate.skips(environ):
            return self._app(environ, start_response)
        asked = self._gate.question(environ)
        if isinstance(asked, Refusal):
            return _answer(asked, start_response)
        try:
            decision = self._client.in_language(self._gate.speaks(environ)).decide(asked)
            refusal = self._gate.judge(decision)
        except CordonError as e:
            refusal = self._gate.fail(e, asked)
        if refusal is None:
            environ[DECISION] = decision
            return self._app(environ, start_response)
        said = False

        def noted(*head: Any, **more: Any) -> Any:
            nonlocal said
            said = True
            return start_response(*head, **more)

        answer: Iterable[bytes] | None = None
        if refusal.decision is not None and self._on_deny is not None:
            answer = self._on_deny(environ, noted, refusal.decision)
        elif refusal.error is not None and self._on_error is not None:
            answer = self._on_error(environ, noted, refusal.error)
        # A hook that says nothing is no answer of the service's own. What is generated may say it later.
        if answer is None or (not said and isinstance(answer, (list, tuple))):
            return [] if said else _answer(refusal, start_response)
        return answer


def _answer(refusal: Refusal, start_response: StartResponse) -> Iterable[bytes]:
    start_response(f"{refusal.status} {HTTPStatus(refusal.status).phrase}", refusal.headers)
    return [refusal.body]


def _accepted(environ: Environ) -> str:
    return str(environ.get("HTTP_ACCEPT_LANGUAGE", ""))
