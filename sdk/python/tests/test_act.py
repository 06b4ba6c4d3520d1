from __future__ import annotations

import unittest
from datetime import datetime, timedelta, timezone

from cordon_sdk import BadAnswer, Denied, Invalid, origins

from .stage import Stage, says

SINCE = "2026-11-29T10:00:00Z"
PRODUCT = {
    "id": "shop", "organization": "acme", "name": "Shop", "kind": "web_hosting", "blocked": True, "maintenance": False,
    "blocks": [{"origin": "host", "reason": "unpaid", "by": "ck_1", "since": SINCE, "expires_at": "2026-12-01T00:00:00.5Z"}],
    "revision": 7, "more": "tomorrow",
}  # fmt: skip
USER = {
    "id": "ben", "organization": "acme", "name": "Ben", "email": "ben@acme.example", "role": "collaborator",
    "grants": ["shop"], "notify": {"product_events": True}, "blocked": True,
    "blocks": [{"origin": "support", "channels": ["imap"], "by": "sam", "since": SINCE}], "revision": 8,
}  # fmt: skip


class Act(unittest.TestCase):
    def test_acts_on_products(self) -> None:
        stage = Stage(says(200, {"product": PRODUCT, "decision_id": "d1", "revision": 7}))
        cordon = stage.client().as_user("lena")
        end = datetime(2026, 12, 1, 1, tzinfo=timezone(timedelta(hours=1)))
        done = cordon.block_product("acme", "a/b?c", reason="unpaid", ticket="T-1", expires_at=end)
        self.assertEqual((done.decision_id, done.revision, done.product.blocked), ("d1", 7, True))
        block = done.product.blocks[0]
        self.assertEqual((block.origin, block.ticket, str(block.since)), (origins.HOST, "", "2026-11-29 10:00:00+00:00"))
        self.assertEqual(str(block.expires_at), "2026-12-01 00:00:00.500000+00:00")
        cordon.unblock_product("acme", "shop")
        cordon.start_maintenance("acme", "shop", reason="a new disk")
        cordon.end_maintenance("acme", "shop")
        self.assertEqual(
            [(s.target, s.body) for s in stage.sent],
            [
                ("/v1/organizations/acme/products/a%2Fb%3Fc/block",
                 {"reason": "unpaid", "ticket": "T-1", "expires_at": "2026-12-01T00:00:00Z"}),
                ("/v1/organizations/acme/products/shop/unblock", {}),
                ("/v1/organizations/acme/products/shop/start-maintenance", {"reason": "a new disk"}),
                ("/v1/organizations/acme/products/shop/end-maintenance", {}),
            ],
        )  # fmt: skip
        self.assertEqual({s.headers["Cordon-Actor"] for s in stage.sent}, {"lena"})

    def test_acts_on_users(self) -> None:
        stage = Stage(says(201, {"code": "123-456", "expires_at": SINCE}))
        code = stage.client().as_user("lena").create_support_code("acme")
        self.assertEqual((stage.sent[0].target, stage.sent[0].body), ("/v1/organizations/acme/support-codes", {}))
        stage.steps = [says(200, {"user": USER, "decision_id": "d1", "revision": 8})]
        cordon = stage.client().as_user("lena").as_agent("sam")
        because = "the laptop was stolen"
        done = cordon.block_user("acme", "ben", justification=because, support_code=code.code, channels=("imap",))
        self.assertEqual((done.user.role, done.user.grants, done.user.product_events), ("collaborator", ("shop",), True))
        self.assertEqual((done.user.blocks[0].channels, done.user.blocks[0].expires_at), (("imap",), None))
        cordon.unblock_user("acme", "ben", justification=because, support_code=code.code, ticket="T-2")
        cordon.secure_user("acme", "ben", justification=because)
        said = {"justification": because, "support_code": "123-456"}
        self.assertEqual(
            [(s.target.rpartition("/")[2], s.body) for s in stage.sent[1:]],
            [
                ("block", {**said, "channels": ["imap"]}),
                ("unblock", {**said, "ticket": "T-2"}),
                ("secure", {"justification": because}),
            ],
        )
        self.assertEqual({s.headers["Cordon-Agent"] for s in stage.sent[1:]}, {"sam"})
        self.assertNotIn("Cordon-Actor", stage.sent[1].headers)

    def test_what_is_denied_has_its_reasons(self) -> None:
        reasons = [{"code": "role_not_permitted", "message": "Ask an administrator."}]
        stage = Stage(says(403, {"code": "denied", "reasons": reasons, "decision_id": "d1"}))
        with self.assertRaises(Denied) as raised:
            stage.client().explain("user").block_product("acme", "shop", reason="unpaid")
        self.assertEqual(raised.exception.reasons[0].code, "role_not_permitted")
        self.assertEqual(stage.sent[0].headers["Cordon-Explain"], "user")

    def test_what_is_no_act_is_not_sent(self) -> None:
        stage = Stage(says(200))
        cordon = stage.client()
        for product in ("", ".", ".."):
            with self.assertRaises(Invalid):
                cordon.block_product("acme", product, reason="unpaid")
        with self.assertRaises(Invalid):
            cordon.block_product("acme", "shop", reason="unpaid", expires_at=datetime(2026, 12, 1))
        self.assertEqual(stage.sent, [])

    def test_an_answer_that_cannot_be_read_is_no_success(self) -> None:
        for document in ({}, {"product": {**PRODUCT, "blocks": 1}}, {"product": PRODUCT}, "[]", "null"):
            with self.subTest(str(document)[:30]), self.assertRaises(BadAnswer):
                Stage(says(200, document)).client().block_product("acme", "shop", reason="unpaid")
