from __future__ import annotations

import unittest
from typing import Any

from cordon_sdk import BadAnswer, Resource, Subject, Unavailable

from .stage import Stage, says


def page(token: str, *ids: str) -> dict[str, object]:
    return {"page": {"next_token": token, "count": len(ids)}, "results": [{"type": "product", "id": id} for id in ids]}


class Search(unittest.TestCase):
    def test_all_pages_are_followed(self) -> None:
        stage = Stage(says(200, page("t1", "a", "b")), says(200, page("t2")), says(200, page("", "c")))
        found = stage.client().search_resources("anna", "manage", organization="acme", limit=2)
        self.assertEqual(list(found), [Resource.product("a"), Resource.product("b"), Resource.product("c")])
        asked = {
            "subject": {"type": "user", "id": "anna"},
            "action": {"name": "manage"},
            "resource": {"type": "product", "properties": {"organization": "acme"}},
        }
        self.assertEqual([s.target for s in stage.sent], ["/access/v1/search/resource"] * 3)
        self.assertEqual(stage.sent[0].body, {**asked, "page": {"limit": 2}})
        self.assertEqual(stage.sent[2].body, {**asked, "page": {"limit": 2, "token": "t2"}})

    def test_a_page_is_asked_for_when_it_is_needed(self) -> None:
        stage = Stage(says(200, page("t1", "a")), says(503))
        found = stage.client(budget=1e-9).search_resources("anna", "manage")
        self.assertEqual(stage.sent, [])
        self.assertEqual(next(found).id, "a")
        self.assertEqual(len(stage.sent), 1)
        with self.assertRaises(Unavailable):  # what came before is not all there is
            next(found)

    def test_subjects_and_actions(self) -> None:
        stage = Stage(says(200, {"results": [{"type": "user", "id": "lena"}]}))
        found = list(stage.client().search_subjects("manage", "shop", context={"a": 1}))
        self.assertEqual(found, [Subject("user", "lena")])
        self.assertEqual(
            stage.sent[0].body,
            {
                "subject": {"type": "user"},
                "action": {"name": "manage"},
                "resource": {"type": "product", "id": "shop"},
                "context": {"a": 1},
            },
        )
        stage = Stage(says(200, {"page": {"next_token": ""}, "results": [{"name": "view"}]}))
        self.assertEqual(list(stage.client().search_actions("anna", Resource.organization("acme"))), ["view"])
        self.assertEqual(stage.sent[0].target, "/access/v1/search/action")
        self.assertNotIn("action", stage.sent[0].body)

    def test_a_search_is_complete_or_fails(self) -> None:
        documents: list[Any] = [{}, {"results": None}, {"results": {}}, [], {"results": [1]}]
        documents += [{"results": [{"type": "product"}]}, {"results": [], "page": {"next_token": 7}}]
        documents += [{"results": [], "page": page} for page in ("t1", ["t1"], 1, True)]
        for document in documents:
            with self.subTest(str(document)), self.assertRaises(BadAnswer):
                list(Stage(says(200, document)).client().search_resources("anna", "manage"))
        with self.assertRaises(BadAnswer):  # it would never end
            list(Stage(says(200, page("t1", "a"))).client().search_resources("anna", "manage"))
