"""Asks the shared cases with the SDK, as sdk/README.md says: a line of JSON for each."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))  # that of this checkout, whatever is installed

from cordon_sdk import Action, Client, CordonError, Decision, ProductAnswer, Question, Resource


def main() -> None:
    with open(os.environ["CORDON_CASES"], encoding="utf-8") as file:
        cases = json.load(file)["cases"]
    with Client.from_environment() as cordon:
        for case in cases:
            line: dict[str, Any] = {"name": case["name"]}
            try:
                line["answer"] = ask(cordon, case["call"], case["args"])
            except CordonError as e:
                if not e.status:
                    raise
                line["error"] = {"status": e.status, "code": e.code}
            print(json.dumps(line, ensure_ascii=False))


def ask(cordon: Client, call: str, args: dict[str, Any]) -> Any:
    if "set" in args:
        cordon = cordon.in_set(args["set"])
    if call == "can":
        q = question(args)
        return cordon.can(q.subject, q.action, q.resource)
    if call == "decide":
        return decide(cordon, args)
    if call == "can_all":
        return cordon.can_all(question(q) for q in args["questions"])
    if call == "filter":
        return cordon.filter(
            args["user"], args["action"], args["ids"], type=args["type"], organization=args.get("organization")
        )
    if call == "evaluations":
        return [decision.allowed for decision in cordon.evaluations(args["request"])]
    if call.startswith("search_"):
        return search(cordon, call, args)
    if call.endswith("_user"):
        return act_on_user(cordon, call, args)
    return act_on_product(cordon, call, args)


def question(args: dict[str, Any]) -> Question:
    resource = args["resource"]
    channel, organization = resource.get("channel"), resource.get("organization")
    return Question(
        args["user"],
        Action(args["action"], {"channel": channel} if channel else {}),
        Resource(resource["type"], resource["id"], {"organization": organization} if organization else {}),
    )


def decide(cordon: Client, args: dict[str, Any]) -> dict[str, Any]:
    if "language" in args:
        cordon = cordon.in_language(args["language"])
    if "explain" in args:
        cordon = cordon.explain(args["explain"])
    decision: Decision = cordon.decide(question(args))
    told: dict[str, Any] = {"decision": decision.allowed, "reasons": [r.code for r in decision.reasons]}
    if decision.reason_user:
        told["reason_user"] = decision.reason_user
    if decision.reason_admin:
        told["reason_admin"] = decision.reason_admin
    if "language" in args:
        told["language"] = decision.language
    return told


def search(cordon: Client, call: str, args: dict[str, Any]) -> list[str]:
    request = args["request"]
    resource = request.get("resource", {})
    limit = args.get("limit", request.get("page", {}).get("limit"))
    context = request.get("context")
    if call == "search_subjects":
        of = request["subject"]["type"]
        found = cordon.search_subjects(Action(**request.get("action", {"name": ""})), Resource(**resource), type=of, context=context, limit=limit)
        return [subject.id for subject in found]
    subject = request["subject"]["id"]
    if call == "search_actions":
        return list(cordon.search_actions(subject, Resource(**resource), context=context, limit=limit))
    organization = resource.get("properties", {}).get("organization")
    resources = cordon.search_resources(
        subject, Action(**request.get("action", {"name": ""})), type=resource["type"], organization=organization, context=context, limit=limit
    )
    return [thing.id for thing in resources]


def act_on_product(cordon: Client, call: str, args: dict[str, Any]) -> dict[str, bool]:
    if "as" in args:
        cordon = cordon.as_user(args["as"])
    done: ProductAnswer = getattr(cordon, call)(
        args["organization"], args["product"], reason=args["reason"], ticket=args.get("ticket", "")
    )
    return {"blocked": done.product.blocked, "maintenance": done.product.maintenance}


def act_on_user(cordon: Client, call: str, args: dict[str, Any]) -> dict[str, Any]:
    cordon = cordon.as_user(args["as"])
    code = cordon.create_support_code(args["organization"]).code
    if "agent" in args:
        cordon = cordon.as_agent(args["agent"])
    more = {"channels": args["channels"]} if "channels" in args else {}
    getattr(cordon, call)(
        args["organization"], args["user"], justification=args["justification"], support_code=code, **more
    )
    return {}


if __name__ == "__main__":
    main()
