"""Whatever comes, it is an answer or a CordonError; and a yes is one to the letter."""

from __future__ import annotations

import json
import random
import unittest
from collections.abc import Callable, Iterator
from typing import Any

from cordon_sdk import Client, CordonError, Question, WebhookError, verify_webhook
from cordon_sdk.transport import Response

from .stage import Stage
from .test_act import PRODUCT
from .test_webhook import AT, BODY, KEY, SECRET, head, sign

# What a member may turn into.
STRANGE: list[Any] = [None, True, False, 0, -1, 1e308, "", "true", [], {}, [[]], {"decision": True}, "\u0000", 10**30]


def spoiled(document: Any, chance: random.Random) -> Any:
    """A document of which something is otherwise."""
    if isinstance(document, dict):
        document = {name: spoiled(value, chance) for name, value in document.items() if chance.random() > 0.05}
    elif isinstance(document, list):
        document = [spoiled(value, chance) for value in document for _ in range(chance.choice((0, 1, 1, 1, 1, 2)))]
    return chance.choice(STRANGE) if chance.random() < 0.08 else document


def broken(text: bytes, chance: random.Random) -> bytes:
    """A text of which some bytes are otherwise."""
    letters = bytearray(text)
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(letters) + 1)
        letters[at : at + chance.randrange(3)] = bytes(chance.choice((b"", b'"', b"{", b"}", b"\xff", b",", b"0")))
    return bytes(letters)


def answers(document: Any, status: int = 200, n: int = 1500) -> Iterator[Response]:
    chance = random.Random(7)
    kind = "application/json" if status < 400 else "application/problem+json"
    numbers = ["", "7", "-1", "9" * 5000, "\u0667", "soon", "Fri, 99 Dec 99999 99:99:99 GMT"]
    for _ in range(n):
        headers = {"content-type": kind, "cordon-revision": chance.choice(numbers), "retry-after": chance.choice(numbers)}
        yield Response(status, headers, broken(json.dumps(spoiled(document, chance)).encode(), chance))


def tried(response: Response, ask: Callable[[Client], Any]) -> Any:
    try:
        return ask(Stage(response).client(tries=1, budget=1e-9))
    except CordonError:
        return None


DECISION = {
    "decision": True,
    "context": {"reasons": [{"code": "granted", "message": "Yes."}], "error": {"status": 400, "message": "no"},
                "reason_user": {"en": "Yes."}},
}  # fmt: skip
PROBLEM = {
    "status": 403, "code": "denied", "title": "No", "detail": "No.", "reasons": [{"code": "x", "message": "y"}],
    "errors": [{"pointer": "/a", "detail": "b"}], "locked_until": "2026-01-01T00:00:00Z", "decision_id": "d1",
}  # fmt: skip


class Hostile(unittest.TestCase):
    def test_a_yes_is_one_to_the_letter(self) -> None:
        yes = 0
        for response in answers(DECISION):
            if tried(response, lambda c: c.can("anna", "manage", "shop")):
                yes += 1
                said = json.loads(response.body)
                self.assertIs(said["decision"], True)
                self.assertIsNone(({} if said.get("context") is None else said["context"]).get("error"))
        self.assertGreater(yes, 10)  # or nothing was looked at

    def test_batches_searches_and_acts(self) -> None:
        asked = [Question("anna", "manage", "shop")] * 2
        for response in answers({"evaluations": [DECISION, DECISION]}):
            given = tried(response, lambda c: c.can_all(asked))
            self.assertTrue(given is None or len(given) == 2)
        found = {"page": {"next_token": ""}, "results": [{"type": "product", "id": "a"}]}
        for response in answers(found):
            tried(response, lambda c: list(c.search_resources("anna", "manage")))
        for response in answers({"product": PRODUCT, "decision_id": "d1", "revision": 7}):
            tried(response, lambda c: c.block_product("acme", "shop", reason="unpaid"))

    def test_problems(self) -> None:
        for status in (403, 503):
            for response in answers(PROBLEM, status):
                self.assertIsNone(tried(response, lambda c: c.can("anna", "manage", "shop")))

    def test_webhooks(self) -> None:
        chance = random.Random(7)
        for _ in range(1500):
            body = broken(json.dumps(spoiled(json.loads(BODY), chance)).encode(), chance)
            headers = head(sign(KEY, body=body), at=chance.choice([str(AT), "9" * 5000, "\u0667"]))
            try:
                verify_webhook(body, headers, SECRET, now=AT)
            except WebhookError:
                pass
