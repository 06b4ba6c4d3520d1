"""Asks a server with the client that openapi-python-client made of server/openapi.yaml."""

from __future__ import annotations

import json
import os

from cordon_api.api.access import evaluation, evaluations, search_resources, search_subjects
from cordon_api.api.acts import block_product
from cordon_api.client import AuthenticatedClient
from cordon_api.models import (
    Action,
    ActionNameType0,
    BlockBody,
    Decision,
    Decisions,
    Evaluation,
    EvaluationItem,
    Evaluations,
    Problem,
    Resource,
    ResourcesFound,
    ResourceSearch,
    SearchPage,
    SoughtResource,
    SoughtSubject,
    Subject,
    SubjectsFound,
    SubjectSearch,
)
from cordon_api.types import UNSET

carl = Subject("user", "carl")
manage = Action(ActionNameType0.MANAGE)


def product(id: str) -> Resource:
    return Resource("product", id)


def batch(client: AuthenticatedClient) -> None:
    items = [
        EvaluationItem(resource=product("shop")),
        EvaluationItem(resource=product("site")),
        EvaluationItem(resource=product("shop"), action=Action("")),
    ]
    answer = evaluations.sync(client=client, body=Evaluations(subject=carl, action=manage, evaluations=items))
    assert isinstance(answer, Decisions), answer
    print(json.dumps([item.decision for item in answer.evaluations]))
    errors = [item.context.error for item in answer.evaluations if item.context]
    print(json.dumps([f"error {error.status}" for error in errors if error]))


def search(client: AuthenticatedClient) -> None:
    found: list[str] = []
    page = SearchPage(limit=1)
    while True:
        answer = search_resources.sync(
            client=client, body=ResourceSearch(carl, manage, SoughtResource("product"), page=page)
        )
        assert isinstance(answer, ResourcesFound), answer
        found += [thing.id for thing in answer.results]
        if not answer.page.next_token:
            break
        page = SearchPage(limit=1, token=answer.page.next_token)
    print(json.dumps(sorted(found)))
    who = search_subjects.sync(client=client, body=SubjectSearch(SoughtSubject("user"), manage, product("site")))
    assert isinstance(who, SubjectsFound), who
    print(json.dumps(sorted(user.id for user in who.results)))


def main() -> None:
    # What a later release may say more of is read all the same.
    later = Decision.from_dict({"decision": True, "context": {"reasons": [{"code": "new", "message": ""}], "more": 1}})
    assert later.decision and later.context and later.context.reasons and later.context.reasons[0].code == "new"

    with AuthenticatedClient(base_url=os.environ["CORDON_URL"], token=os.environ["CORDON_KEY"]) as client:
        batch(client)
        search(client)
        one = evaluation.sync(client=client, body=Evaluation(carl, Action("read_mail"), product("mail")))
        assert isinstance(one, Decision), one
        print(json.dumps(one.decision))
        refused = block_product.sync("acme", "shop", client=client, body=BlockBody(reason="unpaid"), cordon_actor="carl")
        assert isinstance(refused, Problem) and refused.reasons is not UNSET and refused.reasons, refused
        print(refused.status, refused.code, refused.reasons[0].code)


if __name__ == "__main__":
    main()
