from __future__ import annotations

import unittest

from cordon_sdk import Conflict, CordonError, Unavailable

from .stage import NO, YES, Clock, Stage, Step, says

PRODUCT = {
    "product": {"id": "shop", "organization": "acme", "name": "Shop", "kind": "web_hosting", "blocked": True,
                "maintenance": False, "blocks": [], "revision": 7},
    "decision_id": "d1", "revision": 7,
}  # fmt: skip


class Retry(unittest.TestCase):
    def test_a_decision_is_tried_twice_at_most_and_within_its_budget(self) -> None:
        lost = Unavailable("the connection broke")
        cases: dict[str, tuple[list[Step], int, bool | None]] = {
            "at once": ([YES], 1, True),
            "the connection breaks": ([lost, YES], 2, True),
            "503, and then no": ([says(503), NO], 2, False),
            "429, and then yes": ([says(429), YES], 2, True),
            "never": ([lost], 2, None),
            "the server asks for more than there is": ([says(503, retry_after="1"), YES], 1, None),
            "400 stays 400": ([says(400), YES], 1, None),
            "500 stays 500": ([says(500), YES], 1, None),
            "an answer that is none": ([says(200, "[]"), YES], 1, None),
        }
        for name, (steps, tries, want) in cases.items():
            with self.subTest(name):
                stage = Stage(*steps)
                got: bool | None = None
                try:
                    got = stage.client().can("anna", "manage", "shop")
                except CordonError:
                    pass
                self.assertEqual((got, len(stage.sent)), (want, tries))
                self.assertLess(sum(stage.clock.slept), 1)

    def test_the_first_try_leaves_time_for_another(self) -> None:
        stage = Stage(Unavailable("hangs"), YES)
        clock: Clock = stage.clock
        stage.client(budget=1.0).can("anna", "manage", "shop")
        self.assertAlmostEqual(stage.sent[0].seconds, 0.5)
        self.assertAlmostEqual(stage.sent[1].seconds, 1.0 - sum(clock.slept))
        stage = Stage(YES)
        stage.client(budget=0.3).can("anna", "manage", "shop")
        self.assertAlmostEqual(stage.sent[0].seconds, 0.3)

    def test_where_no_time_is_left_the_server_has_the_last_word(self) -> None:
        stage = Stage(says(503, {"code": "draining"}))
        with self.assertRaises(Unavailable) as raised:
            stage.client(budget=0.01).can("anna", "manage", "shop")
        self.assertEqual((raised.exception.code, len(stage.sent)), ("draining", 1))

    def test_an_act_is_tried_four_times_under_one_key(self) -> None:
        stage = Stage(Unavailable("lost"), says(503, retry_after="3"), says(502), says(200, PRODUCT))
        stage.client().block_product("acme", "shop", reason="unpaid")
        self.assertEqual(len(stage.sent), 4)
        self.assertEqual(len({s.headers["Idempotency-Key"] for s in stage.sent}), 1)
        self.assertEqual([s.seconds for s in stage.sent], [10.0] * 4)
        self.assertGreaterEqual(stage.clock.slept[1], 3)
        before = stage.sent[0].headers["Idempotency-Key"]
        stage.client().block_product("acme", "shop", reason="unpaid")
        self.assertNotEqual(stage.sent[-1].headers["Idempotency-Key"], before)

    def test_an_act_is_not_tried_again_for_nothing(self) -> None:
        for answer in (says(409, {"code": "already_blocked"}), says(500), says(503, retry_after="60")):
            stage = Stage(answer)
            with self.assertRaises(CordonError):
                stage.client().block_product("acme", "shop", reason="unpaid")
            self.assertEqual(len(stage.sent), 1)
        stage = Stage(says(503))
        with self.assertRaises(Unavailable):
            stage.client(tries=2).block_product("acme", "shop", reason="unpaid")
        self.assertEqual(len(stage.sent), 2)

    def test_how_long_to_wait_may_be_a_date(self) -> None:
        stage = Stage(says(503, retry_after="Fri, 31 Dec 9999 23:59:59 GMT"))
        with self.assertRaises(Unavailable):
            stage.client().block_product("acme", "shop", reason="unpaid")
        self.assertEqual(len(stage.sent), 1)
        stage = Stage(says(503, retry_after="soon"), says(409))
        with self.assertRaises(Conflict):
            stage.client().block_product("acme", "shop", reason="unpaid")
