from __future__ import annotations

import unittest

from cordon_sdk import Question, Resource
from cordon_sdk.revision import Revisions

from .stage import YES, Clock, Stage, says
from .test_retry import PRODUCT


class Revision(unittest.TestCase):
    def test_what_was_changed_is_then_seen(self) -> None:
        stage = Stage(YES, says(200, PRODUCT), says(200, {**PRODUCT, "revision": 6}), YES)
        cordon = stage.client()
        cordon.can("anna", "manage", "shop")
        self.assertNotIn("Cordon-At-Least", stage.sent[0].headers)
        cordon.as_user("lena").block_product("acme", "shop", reason="unpaid")
        cordon.as_user("lena").unblock_product("acme", "shop")  # whose answer comes late
        self.assertNotIn("Cordon-At-Least", stage.sent[2].headers)
        cordon.can("anna", "manage", "shop")
        self.assertEqual(stage.sent[3].headers["Cordon-At-Least"], "acme=7")
        cordon.at_least("acme", 5).at_least("globex", 3).decide(Question("anna", "manage", "shop"))
        self.assertEqual(stage.sent[4].headers["Cordon-At-Least"], "acme=7, globex=3")
        cordon.at_least("acme", 9).at_least("acme", 8).can("anna", "manage", "shop")
        self.assertEqual(stage.sent[5].headers["Cordon-At-Least"], "acme=9")
        stage.steps = [says(200, {"results": []})]
        list(cordon.search_actions("anna", "shop"))
        self.assertEqual(stage.sent[6].headers["Cordon-At-Least"], "acme=7")
        stage.steps = [YES]
        cordon.in_set("todo").can("anna", "manage", "shop")
        self.assertNotIn("Cordon-At-Least", stage.sent[7].headers)

    def test_it_is_said_while_a_server_may_not_know_it(self) -> None:
        clock = Clock()
        revisions = Revisions(clock)
        revisions.note("acme", 7)
        clock.now += 65
        self.assertEqual(revisions.header({}), "acme=7")
        clock.now += 1
        self.assertEqual(revisions.header({}), "")
        self.assertEqual(revisions.header({"acme": 3}), "acme=3")

    def test_sixteen_have_room_and_those_that_are_asked_about_first(self) -> None:
        revisions = Revisions()
        for n in range(20):
            revisions.note(f"o{n:02}", n)
        newest = [f"o{n:02}={n}" for n in range(4, 20)]
        self.assertEqual(revisions.header({}), ", ".join(newest))
        self.assertEqual(revisions.header({}, ["o00", "unknown"]), ", ".join(["o00=0", *newest[1:]]))
        for n in range(2000):
            revisions.note(f"many{n}", n)
        self.assertEqual(revisions.header({}, ["o19"]).count("="), 16)

    def test_a_question_names_the_organization_that_it_is_about(self) -> None:
        stage = Stage(says(200, PRODUCT), YES)
        cordon = stage.client()
        cordon.block_product("acme", "shop", reason="unpaid")
        for n in range(20):
            cordon._wire.revisions.note(f"o{n:02}", n)
        for resource in (Resource.organization("acme"), Resource.user("ben", "acme"), Resource.channel("imap", "acme")):
            cordon.can("anna", "view", resource)
            self.assertIn("acme=7", stage.sent[-1].headers["Cordon-At-Least"])
        cordon.can("anna", "manage", "other")
        self.assertNotIn("acme=7", stage.sent[-1].headers["Cordon-At-Least"])
        stage.steps = [says(200, {"evaluations": [{"decision": True}]})]
        cordon.can_all([Question("anna", "view", Resource.organization("acme"))])
        self.assertIn("acme=7", stage.sent[-1].headers["Cordon-At-Least"])
