from __future__ import annotations

import json
import unittest
from typing import Any

from cordon_sdk import BadAnswer, Question, Resource, Undecided, UnknownAction, semantics
from cordon_sdk.deadline import Deadline
from cordon_sdk.transport import Request, Response

from .stage import Stage, says


def by_id(request: Request, deadline: Deadline) -> Response:
    """Allow what ends in a 7, and stop where the semantic says so."""
    batch = json.loads(request.body or b"")
    answers: list[dict[str, Any]] = []
    for item in batch["evaluations"]:
        answers.append({"decision": item["resource"]["id"].endswith("7")})
        stop = {"deny_on_first_deny": False, "permit_on_first_permit": True}
        if stop.get(batch.get("options", {}).get("evaluations_semantic")) is answers[-1]["decision"]:
            break
    return says(200, {"evaluations": answers}, cordon_batch_id="b1")


def questions(n: int) -> list[Question]:
    return [Question("anna", "manage", str(i)) for i in range(n)]


class Batch(unittest.TestCase):
    def test_any_number_is_asked_a_thousand_at_a_time(self) -> None:
        stage = Stage(by_id)
        can = stage.client().can_all(q for q in questions(2500))
        self.assertEqual(can, [i % 10 == 7 for i in range(2500)])
        self.assertEqual([len(s.body["evaluations"]) for s in stage.sent], [1000, 1000, 500])

    def test_a_batch_fits_into_a_body(self) -> None:
        stage = Stage(by_id)
        long = [Question("a" * 128, "manage", Resource.user("b" * 128, "c" * 128)) for _ in range(1000)]
        self.assertEqual(len(stage.client().can_all(long)), 1000)
        self.assertGreater(len(stage.sent), 1)
        for sent in stage.sent:
            self.assertLess(len(json.dumps(sent.body)), 256 << 10)

    def test_without_a_question_nothing_is_asked(self) -> None:
        stage = Stage(by_id)
        self.assertEqual(stage.client().can_all([]), [])
        self.assertEqual(stage.client().filter("anna", "manage", []), [])
        self.assertEqual(stage.sent, [])

    def test_what_is_allowed_of_many_things(self) -> None:
        stage = Stage(by_id)
        cordon = stage.client()
        self.assertEqual(cordon.filter("anna", "manage", ["17", "18", "7", "17"]), ["17", "7", "17"])
        self.assertEqual(
            stage.sent[0].body,
            {
                "subject": {"type": "user", "id": "anna"},
                "action": {"name": "manage"},
                "evaluations": [{"resource": {"type": "product", "id": id}} for id in ("17", "18", "7", "17")],
            },
        )
        rows = [{"id": 1}, {"id": 27}]
        self.assertEqual(cordon.filter("anna", "secure", rows, key=lambda r: Resource.user(str(r["id"]), "acme")), [{"id": 27}])
        self.assertEqual(cordon.filter("anna", "secure", ["37"], type="user", organization="acme"), ["37"])
        resource = {"type": "user", "id": "37", "properties": {"organization": "acme"}}
        self.assertEqual(stage.sent[2].body["evaluations"], [{"resource": resource}])

    def test_a_semantic_stops_across_batches(self) -> None:
        stage = Stage(by_id)
        asked = [Question("anna", "manage", "7")] * 999 + questions(1500)
        self.assertEqual(len(stage.client().decide_all(asked, semantics.DENY_ON_FIRST_DENY)), 1000)
        self.assertEqual(len(stage.sent), 1)
        decisions = stage.client().decide_all(questions(3000)[8:], semantics.PERMIT_ON_FIRST_PERMIT)
        self.assertEqual([d.allowed for d in decisions], [False] * 9 + [True])
        self.assertEqual(decisions[0].id, "b1")

    def test_a_list_of_another_length_answers_nothing(self) -> None:
        for n, semantic in ((1, "execute_all"), (3, "execute_all"), (0, "execute_all"), (3, "deny_on_first_deny"),
                            (1, "permit_on_first_permit"), (0, "deny_on_first_deny")):  # fmt: skip
            answer = says(200, {"evaluations": [{"decision": semantic != "permit_on_first_permit"}] * n})
            if n == 1 and semantic == "permit_on_first_permit":
                answer = says(200, {"evaluations": [{"decision": False}]})
            with self.subTest(n=n, semantic=semantic), self.assertRaises(BadAnswer):
                Stage(answer).client().decide_all(questions(2), semantic)
        documents: list[Any] = [{}, [], {"evaluations": {}}, {"decision": True}, {"evaluations": [True, True]}]
        for document in documents:
            with self.subTest(str(document)), self.assertRaises(BadAnswer):
                Stage(says(200, document)).client().can_all(questions(2))

    def test_an_item_that_was_not_decided_is_an_error_of_all(self) -> None:
        wrong = {"decision": False, "context": {"error": {"status": 400, "message": "no id"}}}
        answer = says(200, {"evaluations": [{"decision": True}, wrong]})
        with self.assertRaises(Undecided):
            Stage(answer).client().can_all(questions(2))
        with self.assertRaises(Undecided):
            Stage(answer).client().filter("anna", "manage", ["1", "2"])
        self.assertEqual([d.allowed for d in Stage(answer).client().decide_all(questions(2))], [True, False])
        unknown = {"decision": False, "context": {"reasons": [{"code": "unknown_action", "message": ""}]}}
        with self.assertRaises(UnknownAction):
            Stage(says(200, {"evaluations": [unknown]})).client().can_all(questions(1))

    def test_a_batch_without_items_is_one_question(self) -> None:
        request = questions(1)[0].wire()
        self.assertEqual([bool(d) for d in Stage(says(200, {"decision": True})).client().evaluations(request)], [True])
