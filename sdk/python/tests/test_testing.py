from __future__ import annotations

import unittest

from cordon_sdk import Action, Denied, Question, Resource, Unavailable, reasons, semantics
from cordon_sdk.testing import FakeCordon


class Fake(unittest.TestCase):
    def test_it_says_no_until_a_test_says_yes(self) -> None:
        fake = FakeCordon()
        cordon = fake.client()
        self.assertFalse(cordon.can("anna", "manage", "shop"))
        fake.allow("anna", "manage", "shop")
        self.assertTrue(cordon.can("anna", "manage", "shop"))
        for other in (("ben", "manage", "shop"), ("anna", "view", "shop"), ("anna", "manage", "site")):
            self.assertFalse(cordon.can(*other))
        fake.deny("anna", None, "shop", reasons.PRODUCT_BLOCKED)
        decision = cordon.decide(Question("anna", "manage", "shop"))
        self.assertEqual((decision.allowed, decision.reasons[0].code), (False, reasons.PRODUCT_BLOCKED))
        self.assertEqual(fake.asked[-1], Question(*fake.asked[0].__dict__.values()))

    def test_a_policy_set_is_asked_alike(self) -> None:
        fake = FakeCordon()
        fake.allow("anna", "tidy", Resource("desk", "d1"))
        cordon = fake.client().in_set("todo")
        self.assertTrue(cordon.can("anna", "tidy", Resource("desk", "d1")))
        self.assertFalse(cordon.can("anna", "tidy", Resource("desk", "d2")))
        self.assertEqual(len(list(cordon.search_resources("anna", "tidy", type="desk"))), 1)

    def test_properties_that_a_rule_names_must_be_the_same(self) -> None:
        fake = FakeCordon()
        fake.allow("anna", Action("read_mail", {"channel": "imap"}), "mail")
        fake.allow("anna", "secure", Resource.user("ben", "acme"))
        cordon = fake.client()
        self.assertTrue(cordon.can("anna", Action("read_mail", {"channel": "imap"}), "mail"))
        self.assertFalse(cordon.can("anna", Action("read_mail", {"channel": "smtp"}), "mail"))
        self.assertFalse(cordon.can("anna", "secure", Resource.user("ben", "globex")))

    def test_batches_and_searches(self) -> None:
        fake = FakeCordon()
        fake.allow(None, "view")
        fake.allow("anna", "manage", "shop")
        fake.allow("ben", "manage", "site")
        fake.deny("ben", "manage", "site")
        cordon = fake.client()
        self.assertEqual(cordon.filter("anna", "manage", ["shop", "site"]), ["shop"])
        asked = [Question("anna", "view", "x"), Question("ben", "manage", "site"), Question("anna", "view", "y")]
        self.assertEqual(len(cordon.decide_all(asked, semantics.DENY_ON_FIRST_DENY)), 2)
        self.assertEqual([r.id for r in cordon.search_resources("anna", "manage")], ["shop"])
        self.assertEqual([s.id for s in cordon.search_subjects("manage", "site")], [])
        self.assertEqual(list(cordon.search_actions("anna", "shop")), ["view", "manage"])

    def test_acts_and_failures(self) -> None:
        fake = FakeCordon()
        cordon = fake.client().as_user("lena")
        self.assertTrue(cordon.block_product("acme", "shop", reason="unpaid").product.blocked)
        self.assertFalse(cordon.unblock_product("acme", "shop").product.blocked)
        self.assertTrue(cordon.start_maintenance("acme", "mail").product.maintenance)
        self.assertFalse(cordon.end_maintenance("acme", "mail").product.maintenance)
        code = cordon.create_support_code("acme").code
        self.assertTrue(cordon.block_user("acme", "ben", justification="x", support_code=code).user.blocked)
        self.assertTrue(cordon.secure_user("acme", "ben", justification="x").user.blocked)
        self.assertEqual([a.name for a in fake.acts][::3], ["block", "end-maintenance", "secure"])
        self.assertEqual((fake.acts[0].actor, fake.acts[0].body), ("lena", {"reason": "unpaid"}))
        with fake.failing(403, "denied", reasons.ROLE_NOT_PERMITTED), self.assertRaises(Denied) as raised:
            cordon.block_product("acme", "shop", reason="unpaid")
        self.assertEqual(raised.exception.reasons[0].code, reasons.ROLE_NOT_PERMITTED)
        with fake.failing(), self.assertRaises(Unavailable):
            cordon.can("anna", "manage", "shop")
