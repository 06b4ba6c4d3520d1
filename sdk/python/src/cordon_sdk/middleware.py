"""What the two middlewares have in common: what is asked of a request, and what it is answered without a yes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from .call import PROBLEM
from .decision import Decision
from .error import CordonError, UnknownAction
from .question import Action, Question, Resource, Subject, to_action, to_resource, to_subject

R = TypeVar("R")

# Where the application finds the decision that let a request pass, in the environ or the scope.
DECISION = "cordon.decision"


@dataclass(frozen=True)
class Refusal:
    """The answer to a request that is not let through. The decision is there where it is a denial."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    decision: Decision | None = None
    error: CordonError | None = None  # there where nothing could be decided


@dataclass(frozen=True)
class Gate(Generic[R]):
    """What a request of a service asks of Cordon. Nothing but a decision that allows it lets a request through, or a skip."""

    subject: Callable[[R], str | Subject | None]
    action: Callable[[R], str | Action | None]
    resource: Callable[[R], str | Resource | None]
    skip: Callable[[R], bool] | None
    language: Callable[[R], str]
    log: logging.Logger

    def skips(self, request: R) -> bool:
        """Tell what passes unasked. Only True says so: what an `async def` gives is true, too, and would let all pass."""
        return self.skip is not None and self.skip(request) is True

    def speaks(self, request: R) -> str:
        """Give the language of a denial. What cannot be one is left out: it is no reason to refuse a request."""
        language = self.language(request)
        return language if len(language) <= 200 and language.isascii() and language.isprintable() else ""

    def question(self, request: R) -> Question | Refusal:
        subject = to_subject(self.subject(request) or "")
        if not subject.id:
            return _refuse(HTTPStatus.UNAUTHORIZED, "unauthenticated", "Sign in to do this.")
        action = to_action(self.action(request) or "")
        resource = to_resource(self.resource(request) or "")
        if not action.name or not resource.id:
            self.log.warning("a request says no action or no resource, and is refused: action %r", action.name)
            return _refuse(HTTPStatus.FORBIDDEN, "denied", "Nothing here may be done by anyone.")
        return Question(subject, action, resource)

    def judge(self, decision: Decision) -> Refusal | None:
        """Refuse what is denied."""
        decision.check()
        if decision.allowed is True:
            return None
        detail = next((r.message for r in decision.reasons if r.message), "You may not do this.")
        more: dict[str, Any] = {
            "reasons": [{"code": r.code, "message": r.message} for r in decision.reasons],
            "decision_id": decision.id,
        }
        headers = [("Vary", "Accept-Language")]
        if decision.language:
            headers.append(("Content-Language", decision.language))
        return _refuse(HTTPStatus.FORBIDDEN, "denied", detail, more, headers, decision)

    def fail(self, error: CordonError, question: Question) -> Refusal:
        """Refuse what could not be decided."""
        action, resource = to_action(question.action).name, to_resource(question.resource)
        if isinstance(error, UnknownAction):
            self.log.error(
                "cordon knows no action %r on %r: decision %s", action, resource.type, error.decision_id
            )
            detail = "This service asked for a permission that does not exist."
            return _refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail, error=error)
        self.log.error("cordon could not be asked about %r: %s", action, error)
        detail = "It cannot be decided now whether you may do this."
        return _refuse(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, headers=[("Retry-After", "1")], error=error)


def _refuse(
    status: HTTPStatus,
    code: str,
    detail: str,
    more: Mapping[str, Any] | None = None,
    headers: list[tuple[str, str]] | None = None,
    decision: Decision | None = None,
    error: CordonError | None = None,
) -> Refusal:
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, "code": code}
    body = json.dumps({**problem, **(more or {})}, ensure_ascii=False).encode()
    fixed = [("Content-Type", PROBLEM), ("Cache-Control", "no-store"), ("Content-Length", str(len(body)))]
    return Refusal(status.value, fixed + (headers or []), body, decision, error)
