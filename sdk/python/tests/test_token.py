from __future__ import annotations

import threading
import unittest
from datetime import datetime, timedelta, timezone

from cordon_sdk import Invalid, SupportCode, Token, Unauthorized, Unavailable
from cordon_sdk.deadline import Deadline
from cordon_sdk.token import Tokens
from cordon_sdk.transport import Request

from .stage import YES, Stage, says

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Source:
    """Tokens, one after the other."""

    def __init__(self, *tokens: Token | str) -> None:
        self.left = list(tokens)

    def __call__(self) -> Token | str:
        return self.left.pop(0)


def shown(stage: Stage) -> list[str]:
    return [s.headers["Authorization"].removeprefix("Bearer ") for s in stage.sent]


class Tokening(unittest.TestCase):
    def test_a_token_is_kept_until_shortly_before_its_end(self) -> None:
        now = START
        source = Source(Token("one", START + timedelta(minutes=1)), Token("two", START + timedelta(hours=1)))
        tokens = Tokens(source, lambda: now.timestamp())
        got = []
        for second in (0, 30, 49, 50, 51):
            now = START + timedelta(seconds=second)
            got.append(tokens.value(Deadline(1)))
        self.assertEqual(got, ["one", "one", "one", "two", "two"])

    def test_a_text_is_asked_for_each_time(self) -> None:
        stage = Stage(YES)
        cordon = stage.client(token=Source("one", "two"))
        cordon.can("anna", "manage", "shop")
        cordon.as_user("lena").can("anna", "manage", "shop")
        self.assertEqual(shown(stage), ["one", "two"])

    def test_a_token_that_the_server_does_not_know_is_exchanged_once(self) -> None:
        stage = Stage(says(401), YES)
        self.assertTrue(stage.client(token=Source(Token("one"), Token("two"))).can("anna", "manage", "shop"))
        self.assertEqual((shown(stage), stage.clock.slept), (["one", "two"], []))
        stage = Stage(says(401))
        with self.assertRaises(Unauthorized):
            stage.client(token=Source(Token("one"), Token("two"), Token("three"))).can("anna", "manage", "shop")
        self.assertEqual(shown(stage), ["one", "two"])
        stage = Stage(says(401))
        with self.assertRaises(Unauthorized):  # an act may be tried more often than a decision, and yet
            stage.client(token=Source(Token("one"), Token("two"), Token("three"))).create_support_code("acme")
        self.assertEqual(shown(stage), ["one", "two"])
        stage = Stage(says(401))
        with self.assertRaises(Unauthorized):
            stage.client().can("anna", "manage", "shop")  # of a key there is no other
        self.assertEqual(len(stage.sent), 1)

    def test_one_that_two_calls_have_refused_is_exchanged_for_both(self) -> None:
        tokens = Tokens(Source(Token("one"), Token("two")))
        tokens.value(Deadline(1))
        self.assertTrue(tokens.forget("one"))
        self.assertTrue(tokens.forget("one"))  # nobody has asked for another meanwhile
        self.assertEqual(tokens.value(Deadline(1)), "two")
        self.assertTrue(tokens.forget("one"))
        self.assertEqual(tokens.value(Deadline(1)), "two")

    def test_without_a_token_nothing_is_asked(self) -> None:
        def broken() -> str:
            raise OSError("no file")

        for source in (broken, lambda: "", lambda: Token("")):
            stage = Stage(YES)
            with self.assertRaises(Unavailable):
                stage.client(token=source).can("anna", "manage", "shop")
            self.assertEqual(stage.sent, [])
        with self.assertRaises(Invalid):
            Stage(YES).client(token=lambda: Token("one", datetime(2026, 1, 1))).can("anna", "manage", "shop")

    def test_no_secret_is_in_what_is_logged(self) -> None:
        shown = [
            Token("secret"),
            SupportCode("secret", START),
            Request("POST", "/", {"Authorization": "Bearer secret"}, b"secret"),
        ]
        for one in shown:
            self.assertNotIn("secret", repr(one))
            self.assertNotIn("secret", str(one))

    def test_one_thread_fetches_and_the_others_wait_no_longer_than_they_may(self) -> None:
        asked, go = threading.Event(), threading.Event()
        calls = []

        def slow() -> Token:
            calls.append(1)
            asked.set()
            go.wait()
            return Token("one")

        tokens = Tokens(slow)
        got: list[str] = []
        threads = [threading.Thread(target=lambda: got.append(tokens.value(Deadline(60)))) for _ in range(4)]
        for thread in threads:
            thread.start()
        asked.wait()
        with self.assertRaises(Unavailable):
            tokens.value(Deadline(0.01))
        with self.assertRaises(Unavailable):
            tokens.value(Deadline(-1))
        go.set()
        for thread in threads:
            thread.join()
        self.assertEqual((got, calls), (["one"] * 4, [1]))
