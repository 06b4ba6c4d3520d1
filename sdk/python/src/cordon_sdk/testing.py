"""A Cordon for the tests of programs that ask one: no server, no socket, and rules that a test writes down.

    fake = FakeCordon()
    fake.allow("anna", "manage", "shop")
    cordon = fake.client()          # a Client like any other
    assert cordon.can("anna", "manage", "shop") and not cordon.can("ben", "manage", "shop")
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from . import reasons, types
from .client import Client
from .deadline import Deadline
from .question import Action, Question, Resource, Subject, to_action, to_resource, to_subject
from .transport import Request, Response


@dataclass(frozen=True)
class Act:
    """An act that was carried out on the fake: "block" of a product, and so on."""

    name: str
    organization: str
    on: str  # "products" or "users"; "" of a support code
    id: str
    body: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""
    agent: str = ""


@dataclass(frozen=True)
class _Rule:
    user: str | Subject | None
    action: str | Action | None
    resource: str | Resource | None
    allowed: bool
    reasons: tuple[str, ...]

    def holds(self, question: Question) -> bool:
        subject, action, resource = to_subject(question.subject), to_action(question.action), to_resource(question.resource)
        if self.user is not None:
            wanted = to_subject(self.user)
            if (wanted.type, wanted.id) != (subject.type, subject.id):
                return False
        if self.action is not None:
            done = to_action(self.action)
            if done.name != action.name or not _has(action.properties, done.properties):
                return False
        if self.resource is not None:
            thing = to_resource(self.resource)
            if (thing.type, thing.id) != (resource.type, resource.id):
                return False
            return _has(resource.properties, thing.properties)
        return True


class FakeCordon:
    """Answers by rules, of which the last that holds counts; without one everything is denied with not_granted. Acts are
    carried out on what it remembers of products and users, whoever acts. It is safe for threads."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.acts: list[Act] = []
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._failure: Response | None = None
        self._revision = 1
        self._state: dict[tuple[str, str], dict[str, bool]] = {}

    def allow(
        self,
        user: str | Subject | None = None,
        action: str | Action | None = None,
        resource: str | Resource | None = None,
        reason: str = reasons.GRANTED,
    ) -> None:
        """Allow something; what is None is any."""
        self._add(_Rule(user, action, resource, True, (reason,)))

    def deny(
        self,
        user: str | Subject | None = None,
        action: str | Action | None = None,
        resource: str | Resource | None = None,
        *codes: str,
    ) -> None:
        """Deny something, for reasons; what is None is any."""
        self._add(_Rule(user, action, resource, False, codes or (reasons.NOT_GRANTED,)))

    @contextmanager
    def failing(self, status: int = 503, code: str = "unavailable", *codes: str) -> Iterator[None]:
        """Answer everything with a problem, within a `with` statement: 403 "denied" with reasons, say, or 503."""
        problem = {"status": status, "code": code, "title": "a fake failure", "reasons": _told(codes)}
        with self._lock:
            self._failure = _answer(problem, status=status, kind="application/problem+json")
        try:
            yield
        finally:
            with self._lock:
                self._failure = None

    def client(self, **options: Any) -> Client:
        """Make a client of this fake. It does not wait before it repeats a call."""
        client = Client("http://cordon.test", "ck_fake", transport=self, **options)
        client._wire.sleep = lambda seconds: None
        return client

    def send(self, request: Request, deadline: Deadline) -> Response:
        with self._lock:
            if self._failure is not None:
                return self._failure
            path = request.target.strip("/").split("/")
            body = json.loads(request.body or b"{}")
            if path[0] == "p":  # a policy set has its own path, and answers alike here
                path = path[2:]
            if path[0] == "access":
                return self._access(path[2:], body)
            return self._act(path[2:], body, request.headers)

    def close(self) -> None:
        pass

    def _add(self, rule: _Rule) -> None:
        with self._lock:
            self._rules.append(rule)

    def _access(self, path: list[str], body: dict[str, Any]) -> Response:
        if path[0] == "search":
            return _answer({"page": {"next_token": ""}, "results": self._found(path[1], body)})
        items = body.get("evaluations")
        if path[0] == "evaluation" or not items:
            return _answer(self._decided(body), {"cordon-decision-id": f"decision-{len(self.asked)}"})
        semantic = (body.get("options") or {}).get("evaluations_semantic")
        answers: list[dict[str, Any]] = []
        for item in items:
            answers.append(self._decided({**body, **item}))
            if (semantic, answers[-1]["decision"]) in (("deny_on_first_deny", False), ("permit_on_first_permit", True)):
                break
        return _answer({"evaluations": answers}, {"cordon-batch-id": f"batch-{len(self.asked)}"})

    def _decided(self, asked: dict[str, Any]) -> dict[str, Any]:
        question = Question(
            Subject(**asked["subject"]), Action(**asked["action"]), Resource(**asked["resource"]), asked.get("context") or {}
        )
        self.asked.append(question)
        rule = self._rule(question)
        return {"decision": rule.allowed, "context": {"reasons": _told(rule.reasons)}}

    def _rule(self, question: Question) -> _Rule:
        last = _Rule(None, None, None, False, (reasons.NOT_GRANTED,))
        return next((r for r in reversed(self._rules) if r.holds(question)), last)

    def _found(self, what: str, body: dict[str, Any]) -> list[dict[str, str]]:
        """Search among what the rules name."""
        candidates: list[tuple[Subject, Action, Resource, dict[str, str]]] = []
        for rule in self._rules:
            subject = to_subject(rule.user) if rule.user is not None and what == "subject" else None
            thing = to_resource(rule.resource) if rule.resource is not None and what == "resource" else None
            action = to_action(rule.action) if rule.action is not None and what == "action" else None
            if subject is not None and subject.type == body["subject"]["type"]:
                found = {"type": subject.type, "id": subject.id}
                candidates.append((subject, Action(**body["action"]), Resource(**body["resource"]), found))
            elif thing is not None and thing.type == body["resource"]["type"]:
                found = {"type": thing.type, "id": thing.id}
                wanted = Resource(thing.type, thing.id, {**thing.properties, **(body["resource"].get("properties") or {})})
                candidates.append((Subject(**body["subject"]), Action(**body["action"]), wanted, found))
            elif action is not None:
                found = {"name": action.name}
                candidates.append((Subject(**body["subject"]), action, Resource(**body["resource"]), found))
        results: list[dict[str, str]] = []
        for subject, action, thing, found in candidates:
            if found not in results and self._rule(Question(subject, action, thing)).allowed:
                results.append(found)
        return results

    def _act(self, path: list[str], body: dict[str, Any], headers: Mapping[str, str]) -> Response:
        organization, rest = path[0], path[1:]
        who = {"actor": headers.get("Cordon-Actor", ""), "agent": headers.get("Cordon-Agent", "")}
        if rest == ["support-codes"]:
            self.acts.append(Act("support-codes", organization, "", "", body, **who))
            return _answer({"code": "fake-code", "expires_at": "2099-01-01T00:00:00Z"}, status=201)
        on, id, name = rest
        self.acts.append(Act(name, organization, on, id, body, **who))
        state = self._state.setdefault((on, id), {"blocked": False, "maintenance": False})
        member = "maintenance" if name.endswith("-maintenance") else "blocked"
        if name != "secure":
            state[member] = name in ("block", "start-maintenance")
        self._revision += 1
        common = {"id": id, "organization": organization, "name": id, "blocks": [], "revision": self._revision}
        done = {"decision_id": f"act-{len(self.acts)}", "revision": self._revision}
        if on == "products":
            return _answer({"product": {**common, "kind": "fake", **state}, **done})
        user = {"email": "", "role": "collaborator", "grants": [], "notify": {"product_events": True}, "blocked": state["blocked"]}
        return _answer({types.USER: {**common, **user}, **done})


def _has(properties: Mapping[str, Any], named: Mapping[str, Any]) -> bool:
    return all(properties.get(name) == value for name, value in named.items())


def _told(codes: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"code": code, "message": code.replace("_", " ")} for code in codes]


def _answer(
    document: Any, headers: Mapping[str, str] | None = None, *, status: int = 200, kind: str = "application/json"
) -> Response:
    return Response(status, {"content-type": kind, **(headers or {})}, json.dumps(document).encode())
