from __future__ import annotations

import unittest
from typing import Any

from cordon_sdk import (
    Action,
    BadAnswer,
    Client,
    Conflict,
    CordonError,
    Denied,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    Question,
    Resource,
    Subject,
    TooStale,
    Unauthorized,
    Unavailable,
    Undecided,
    UnknownAction,
    actions,
    readers,
)

from .stage import NO, YES, Stage, says


class Decide(unittest.TestCase):
    def test_a_yes_is_true_and_a_no_is_false(self) -> None:
        self.assertIs(Stage(YES).client().can("anna", actions.MANAGE, "shop"), True)
        self.assertIs(Stage(NO).client().can("anna", actions.MANAGE, "shop"), False)

    def test_what_is_sent(self) -> None:
        stage = Stage(YES)
        cordon = stage.client().in_language("fr").explain(readers.USER).as_user("lena")
        cordon.can(Subject("user", "anna", {"a": 1}), Action("read_mail", {"channel": "imap"}), Resource.user("ben", "acme"))
        sent = stage.sent[0]
        self.assertEqual(sent.target, "/access/v1/evaluation")
        self.assertEqual(
            sent.body,
            {
                "subject": {"type": "user", "id": "anna", "properties": {"a": 1}},
                "action": {"name": "read_mail", "properties": {"channel": "imap"}},
                "resource": {"type": "user", "id": "ben", "properties": {"organization": "acme"}},
            },
        )
        want = {"Authorization": "Bearer ck_test", "Accept-Language": "fr", "Cordon-Explain": "user", "Cordon-Actor": "lena"}
        self.assertEqual({name: sent.headers.get(name) for name in want}, want)
        self.assertNotIn("Idempotency-Key", sent.headers)

    def test_a_decision_tells_where_it_stands(self) -> None:
        answer = says(
            200,
            {"decision": False, "context": {
                "reasons": [{"code": "product_blocked", "message": "Gesperrt."}, {"code": "x", "message": ""}],
                "reason_user": {"de": "Fragen Sie."}, "more": 1,
            }},
            cordon_decision_id="d1", cordon_policy="sha256:1", cordon_revision="7", content_language="de",
        )  # fmt: skip
        decision = Stage(answer).client().decide(Question("anna", "manage", "shop"))
        self.assertEqual([r.code for r in decision.reasons], ["product_blocked", "x"])
        self.assertEqual((decision.id, decision.policy, decision.revision, decision.language), ("d1", "sha256:1", 7, "de"))
        self.assertEqual(decision.reason_user, {"de": "Fragen Sie."})
        self.assertEqual(decision.context["more"], 1)

    def test_a_decision_is_true_where_it_is_allowed_alone(self) -> None:
        self.assertTrue(Stage(YES).client().decide(Question("anna", "manage", "shop")))
        self.assertFalse(Stage(NO).client().decide(Question("anna", "manage", "shop")))

    def test_an_unknown_action_is_no_denial(self) -> None:
        answer = says(200, {"decision": False, "context": {"reasons": [{"code": "unknown_action", "message": ""}]}},
                      cordon_decision_id="d1")  # fmt: skip
        with self.assertRaises(UnknownAction) as raised:
            Stage(answer).client().can("anna", "mange", "shop")
        self.assertEqual((raised.exception.code, raised.exception.decision_id), ("unknown_action", "d1"))
        self.assertFalse(Stage(answer).client().decide(Question("anna", "mange", "shop")))

    def test_an_item_that_could_not_be_asked_is_never_a_yes(self) -> None:
        answer = says(200, {"decision": True, "context": {"error": {"status": 403, "message": "not yours"}}})
        decision = Stage(answer).client().decide(Question("anna", "manage", "shop"))
        self.assertFalse(decision.allowed)
        with self.assertRaises(Undecided) as raised:
            decision.check()
        self.assertEqual(raised.exception.status, 403)

    def test_what_is_no_answer_is_never_a_yes(self) -> None:
        for document in ({}, {"decision": "true"}, {"decision": 1}, {"decision": None}, [True], True, '"true"', "",
                         '{"decision": false, "decision": true}', '{"decision": true', "[" * 100_000):  # fmt: skip
            with self.subTest(str(document)[:40]), self.assertRaises(BadAnswer):
                Stage(says(200, document)).client().can("anna", "manage", "shop")
        with self.assertRaises(BadAnswer):
            Stage(says(200, '{"decision": true}', kind="text/html")).client().can("anna", "manage", "shop")

    def test_each_status_is_an_error_that_callers_branch_on(self) -> None:
        cases: list[tuple[int, str, type[CordonError]]] = [
            (400, "invalid_body", Invalid), (401, "unauthenticated", Unauthorized), (403, "denied", Denied),
            (403, "insufficient_scope", Forbidden), (404, "not_found", NotFound), (405, "", Invalid),
            (408, "", Unavailable), (409, "already_blocked", Conflict), (412, "", PreconditionFailed), (413, "", Invalid),
            (415, "", Invalid), (422, "", Invalid), (429, "", Unavailable), (500, "internal", CordonError),
            (502, "", Unavailable), (503, "unavailable", Unavailable), (503, "too_stale", TooStale), (504, "", Unavailable),
            (302, "", CordonError), (418, "", CordonError), (799, "", CordonError),
        ]  # fmt: skip
        for status, code, kind in cases:
            with self.subTest(status=status, code=code), self.assertRaises(CordonError) as raised:
                Stage(says(status, {"code": code})).client().can("anna", "manage", "shop")
            self.assertIs(type(raised.exception), kind)
            self.assertEqual((raised.exception.status, raised.exception.code), (status, code))

    def test_an_error_tells_what_the_server_said(self) -> None:
        problem = {
            "status": 200, "code": "denied", "detail": "The rules deny this.", "request_id": "r1", "decision_id": "d1",
            "reasons": [{"code": "not_granted", "message": "Ask for it."}], "locked_until": "2026-01-02T03:04:05.123456789Z",
            "errors": [{"pointer": "/reason", "detail": "is too long"}], "reason_admin": {"en": "Because."},
        }  # fmt: skip
        with self.assertRaises(Denied) as raised:
            Stage(says(403, problem, content_language="en")).client().can("anna", "manage", "shop")
        e = raised.exception
        self.assertEqual((e.status, e.decision_id, e.problem.request_id), (403, "d1", "r1"))
        self.assertEqual(str(e), "not_granted: Ask for it.; /reason is too long (denied)")
        self.assertEqual(str(e.problem.locked_until), "2026-01-02 03:04:05.123456+00:00")
        self.assertEqual(e.problem.reason_admin, {"en": "Because."})

    def test_a_problem_that_cannot_be_read_leaves_the_status(self) -> None:
        for document in ("<html>", '{"code": 7, "reasons": 1, "errors": [2], "locked_until": "soon"}', "[]"):
            with self.subTest(document), self.assertRaises(Unavailable) as raised:
                Stage(says(502, document)).client(budget=1e-9).can("anna", "manage", "shop")
            self.assertEqual(raised.exception.status, 502)

    def test_what_cannot_be_sent_is_not_sent(self) -> None:
        stage = Stage(YES)
        cases: list[Any] = [
            lambda: stage.client().in_language("fr\r\nX: y").can("anna", "manage", "shop"),
            lambda: stage.client().as_user("ann\u00e9").can("anna", "manage", "shop"),
            lambda: stage.client(key="ck_\n_1").can("anna", "manage", "shop"),
            lambda: stage.client().decide(Question("anna", "manage", "shop", {"n": float("nan")})),
            lambda: stage.client().decide(Question("anna", "manage", "shop", {"n": object()})),
            lambda: stage.client().decide(Question("anna", "manage", "\ud800")),
            lambda: stage.client().in_set("..").can("anna", "manage", "shop"),
        ]
        for case in cases:
            with self.assertRaises(Invalid) as raised:
                case()
            self.assertNotIn("ck_", str(raised.exception))
        self.assertEqual(stage.sent, [])

    def test_a_set_of_policies_has_its_own_path(self) -> None:
        stage = Stage(YES)
        stage.client().in_set("todo").decide(Question(Subject("identity", "rick"), "GET", Resource("route", "/todos")))
        self.assertEqual(stage.sent[0].target, "/p/todo/access/v1/evaluation")

    def test_what_a_client_is_made_of(self) -> None:
        for url in ("cordon.test", "ftp://x", "http://", "http://x?y=1", "http://x#y", "http://me:pw@x", "http://x:99999"):
            with self.subTest(url), self.assertRaises(Invalid):
                Client(url, "ck_test")
        for options in ({}, {"key": "a", "token": lambda: "b"}, {"key": "a", "budget": 0}, {"key": "a", "tries": 0}):
            with self.subTest(str(options)), self.assertRaises(Invalid):
                Client("http://cordon.test", **options)  # type: ignore[arg-type]
        stage = Stage(YES)
        Client("http://cordon.test/there/", " ck_file\n", transport=stage).can("anna", "manage", "shop")
        self.assertEqual(stage.sent[0].target, "/there/access/v1/evaluation")
        self.assertEqual(stage.sent[0].headers["Authorization"], "Bearer ck_file")
