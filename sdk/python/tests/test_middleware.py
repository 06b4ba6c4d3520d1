from __future__ import annotations

import asyncio
import json
import logging
import unittest
import warnings
from collections.abc import Iterable
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from cordon_sdk import AsyncClient, Decision, reasons
from cordon_sdk.asgi import ASGIMiddleware, Receive, Scope, Send
from cordon_sdk.testing import FakeCordon
from cordon_sdk.wsgi import Environ, StartResponse, WSGIMiddleware

from .stage import NO, Stage, says

Answer = tuple[int, dict[str, str], Any]

# What each way in does with a request of a user for a product; the application answers 200 and "let through".
UNKNOWN = says(200, {"decision": False, "context": {"reasons": [{"code": "unknown_action", "message": ""}]}})
quiet = logging.getLogger("cordon_sdk.tests")
quiet.disabled = True


def over_wsgi(client: Any, user: str = "anna", product: str = "shop", accepts: str = "", **hooks: Any) -> Answer:
    answer: list[Any] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        decision: Decision | None = environ.get("cordon.decision")
        return [json.dumps({"let through": bool(decision)}).encode()]

    def deny(environ: Environ, start_response: StartResponse, decision: Any) -> Iterable[bytes]:
        start_response("418 No", [])
        return [json.dumps(str(type(decision).__name__)).encode()]

    hooks = {name: deny if name in ("on_deny", "on_error") else hook for name, hook in hooks.items()}
    middleware = WSGIMiddleware(
        app, client, subject=lambda e: e["user"], action=lambda e: "manage", resource=lambda e: e["product"], log=quiet, **hooks
    )
    environ = {"user": user, "product": product, "HTTP_ACCEPT_LANGUAGE": accepts, "cordon.decision": "forged"}
    body = b"".join(middleware(environ, lambda status, headers: answer.extend((status, headers))))
    return int(answer[0].split()[0]), dict(answer[1]), json.loads(body)


def over_asgi(client: Any, user: str = "anna", product: str = "shop", accepts: str = "", **hooks: Any) -> Answer:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        decision: Decision | None = scope.get("cordon.decision")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps({"let through": bool(decision)}).encode()})

    async def deny(scope: Scope, receive: Receive, send: Send, decision: Any) -> None:
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(str(type(decision).__name__)).encode()})

    hooks = {name: deny if name in ("on_deny", "on_error") else hook for name, hook in hooks.items()}
    middleware = ASGIMiddleware(
        app, client, subject=lambda s: s["user"], action=lambda s: "manage", resource=lambda s: s["product"], log=quiet, **hooks
    )
    headers = [(b"accept-language", accepts.encode())]
    scope = {"type": "http", "user": user, "product": product, "headers": headers, "cordon.decision": "forged"}
    asyncio.run(middleware(scope, receive, send))
    names = {name.decode().title(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], names, json.loads(sent[1]["body"])


class Middleware(unittest.TestCase):
    ways = (over_wsgi, over_asgi)

    def test_a_request_that_is_allowed_passes_with_its_decision(self) -> None:
        fake = FakeCordon()
        fake.allow("anna", "manage", "shop")
        for way in self.ways:
            self.assertEqual(way(fake.client())[0::2], (200, {"let through": True}))
        self.assertEqual(over_asgi(AsyncClient(fake.client()))[0], 200)

    def test_one_that_is_denied_is_told_why_in_its_language(self) -> None:
        for way in self.ways:
            stage = Stage(says(200, json.loads(NO.body), content_language="fr", cordon_decision_id="d1"))
            status, headers, problem = way(stage.client(), accepts="fr, en;q=0.5")
            self.assertEqual(stage.sent[0].headers["Accept-Language"], "fr, en;q=0.5")
            self.assertEqual((status, problem["code"], problem["detail"]), (403, "denied", "Ask for it."))
            self.assertEqual((problem["reasons"][0]["code"], problem["decision_id"]), ("not_granted", "d1"))
            self.assertEqual(headers["Content-Type"], "application/problem+json")
            self.assertEqual((headers["Content-Language"], headers["Vary"]), ("fr", "Accept-Language"))
            self.assertEqual(headers["Cache-Control"], "no-store")

    def test_a_language_that_cannot_be_sent_is_left_out(self) -> None:
        for way in self.ways:
            for language in ("fr\u00e9", "x" * 201):
                stage = Stage(NO)
                self.assertEqual(way(stage.client(), accepts=language)[0], 403)
                self.assertNotIn("Accept-Language", stage.sent[0].headers)
            stage = Stage(NO)
            way(stage.client(), accepts="fr", language=lambda request: "de")
            self.assertEqual(stage.sent[0].headers["Accept-Language"], "de")

    def test_without_an_answer_nothing_passes(self) -> None:
        for way in self.ways:
            status, headers, problem = way(Stage(says(503)).client(budget=1e-9))
            self.assertEqual((status, problem["code"], headers["Retry-After"]), (503, "unavailable", "1"))
            self.assertEqual(way(Stage(says(401)).client())[0], 503)
            self.assertEqual(way(Stage(says(200, "[]")).client())[0], 503)
            self.assertEqual(way(Stage(UNKNOWN).client())[0], 500)

    def test_who_or_what_is_not_known_is_not_asked_about(self) -> None:
        for way in self.ways:
            stage = Stage(NO)
            self.assertEqual(way(stage.client(), user="")[0], 401)
            self.assertEqual(way(stage.client(), product="")[0], 403)
            self.assertEqual(stage.sent, [])

    def test_hooks(self) -> None:
        fake = FakeCordon()
        fake.deny("anna", "manage", "shop", reasons.PRODUCT_BLOCKED)
        for way in self.ways:
            self.assertEqual(way(fake.client(), on_deny=True)[0::2], (418, "Decision"))
            self.assertEqual(way(Stage(says(404)).client(), on_error=True)[0::2], (418, "NotFound"))
            self.assertEqual(way(Stage(says(404)).client(), on_deny=True)[0], 503)
            self.assertEqual(way(fake.client(), on_error=True)[0], 403)
            asked = len(fake.asked)
            self.assertEqual(way(fake.client(), skip=lambda request: True)[0::2], (200, {"let through": False}))
            self.assertEqual(len(fake.asked), asked)

    def test_only_true_skips(self) -> None:
        async def later(request: Any) -> bool:
            return True

        for way in self.ways:
            for said in (1, "yes", object(), None, False):
                self.assertEqual(way(Stage(NO).client(), skip=lambda request: said)[0], 403)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # that nobody awaited it
                self.assertEqual(way(Stage(NO).client(), skip=later)[0], 403)

    def test_a_hook_that_says_nothing_is_no_answer(self) -> None:
        async def silent(*asked: Any) -> Any:
            pass

        for answer, status in ((NO, 403), (says(404), 503), (UNKNOWN, 500)):
            sent: list[Any] = []

            async def send(message: Any) -> None:
                sent.append(message)

            middleware = ASGIMiddleware(
                silent, Stage(answer).client(), subject=lambda s: "anna", action=lambda s: "manage",
                resource=lambda s: "shop", on_deny=silent, on_error=silent, log=quiet,
            )  # fmt: skip
            asyncio.run(middleware({"type": "http", "headers": []}, silent, send))
            self.assertEqual([m.get("status") for m in sent], [status, None])

    def test_nor_is_one_of_wsgi(self) -> None:
        def late(environ: Environ, start_response: StartResponse, decision: Any) -> Iterable[bytes]:
            start_response("418 No", [])
            yield b"mine"

        hooks: list[tuple[Any, str, str]] = [
            (lambda environ, start, decision: None, "403 Forbidden", "503 Service Unavailable"),
            (lambda environ, start, decision: [], "403 Forbidden", "503 Service Unavailable"),
            (lambda environ, start, decision: start("418 No", []) and None, "418 No", "418 No"),
            (late, "418 No", "418 No"),
        ]
        for hook, denied, failed in hooks:
            for answer, status in ((NO, denied), (says(404), failed)):
                said: list[Any] = []
                middleware = WSGIMiddleware(
                    lambda environ, start: [], Stage(answer).client(), subject=lambda e: "anna", action=lambda e: "manage",
                    resource=lambda e: "shop", on_deny=hook, on_error=hook, log=quiet,
                )  # fmt: skip
                b"".join(middleware({}, lambda status, headers: said.append(status)))
                self.assertEqual(said, [status])

    def test_what_is_said_is_as_wsgi_has_it(self) -> None:
        fake = FakeCordon()
        fake.allow("anna")

        def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"let through"]

        middleware = WSGIMiddleware(
            app, fake.client(), subject=lambda e: e["user"], action=lambda e: "manage", resource=lambda e: "shop", log=quiet
        )
        for user, want in (("anna", "200"), ("ben", "403"), ("", "401")):
            environ: Environ = {"user": user, "QUERY_STRING": ""}
            setup_testing_defaults(environ)
            said: list[str] = []

            def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
                said.append(status[:3])
                return lambda data: None

            answer = validator(middleware)(environ, start)  # it complains of what is not so
            self.assertTrue(b"".join(answer))
            answer.close()  # type: ignore[attr-defined]
            self.assertEqual(said, [want])

    def test_a_websocket_is_closed_before_it_is_accepted(self) -> None:
        fake = FakeCordon()
        sent: list[str] = []

        async def send(message: Any) -> None:
            sent.append(message["type"])

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": f"passed {scope['type']}"})

        middleware = ASGIMiddleware(
            app, fake.client(), subject=lambda s: "anna", action=lambda s: "manage", resource=lambda s: "shop"
        )
        asyncio.run(middleware({"type": "websocket", "headers": []}, receive, send))
        asyncio.run(middleware({"type": "lifespan"}, receive, send))
        fake.allow()
        asyncio.run(middleware({"type": "websocket", "headers": []}, receive, send))
        self.assertEqual(sent, ["websocket.close", "passed lifespan", "passed websocket"])
