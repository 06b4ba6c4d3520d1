"""Decisions: one, many, and what of many is allowed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from . import semantics, types
from .call import Caller
from .decision import Decision, read_decision
from .error import BadAnswer
from .question import Action, Question, Resource, Subject, to_action, to_resource, to_subject

T = TypeVar("T")

# What a batch may hold, with room for what stands around its items.
_ITEMS = 1000
_BYTES = 240 << 10


class Decides(Caller):
    """Asks what is allowed. An error is raised, and never a yes."""

    def can(self, user: str | Subject, action: str | Action, resource: str | Resource) -> bool:
        """Tell whether a user may do something to a product, or to another resource. An action that no rule knows is
        UnknownAction and no denial; a product that is not there is a denial, for things come and go while a program runs."""
        return self.decide(Question(user, action, resource)).check().allowed

    def decide(self, question: Question) -> Decision:
        """Ask one question. A denial is an answer, and what it is true of is allowed; see Decision.check."""
        answer = self._decide("evaluation", body=(asked := question.wire()), about=named(asked))
        return read_decision(answer.document, answer.headers, "cordon-decision-id")

    def can_all(self, questions: Iterable[Question]) -> list[bool]:
        """Tell of each question whether it is allowed, in their order. One that could not be asked is raised."""
        return [d.check().allowed for d in self.decide_all(questions)]

    def decide_all(self, questions: Iterable[Question], semantic: str = semantics.EXECUTE_ALL) -> list[Decision]:
        """Ask many questions, as many at once as the server takes. The answers come in the order of the questions; there
        are fewer of them only where the semantic says to stop. What is wrong with one item is in its decision."""
        decisions: list[Decision] = []
        for items in _batches(q.wire() for q in questions):
            batch: dict[str, Any] = {"evaluations": items}
            if semantic != semantics.EXECUTE_ALL:
                batch["options"] = {"evaluations_semantic": semantic}
            decisions += self.evaluations(batch)
            if _stopped(decisions, semantic):
                break
        return decisions

    def filter(
        self,
        user: str | Subject,
        action: str | Action,
        items: Iterable[T],
        *,
        key: Callable[[T], str | Resource] | None = None,
        type: str = types.PRODUCT,
        organization: str | None = None,
    ) -> list[T]:
        """Give those items that a user may do something to, in their order. An item is an id, a Resource, or what a key
        gives one of; ids are of a type, and of an organization where that has to be said (users, channels)."""
        of = key if key is not None else _itself
        kept: list[T] = []
        listed = list(items)
        resources = (to_resource(of(item), type, organization).wire() for item in listed)
        defaults = {"subject": to_subject(user).wire(), "action": to_action(action).wire()}
        n = 0
        for batch in _batches({"resource": resource} for resource in resources):
            for decision in self.evaluations({**defaults, "evaluations": batch}):
                if decision.check().allowed:
                    kept.append(listed[n])
                n += 1
        return kept

    def evaluations(self, request: Mapping[str, Any]) -> list[Decision]:
        """Ask a batch as AuthZEN writes it, in one request."""
        answer = self._decide("evaluations", body=request, about=named(request))
        items = request.get("evaluations")
        if not items:  # then it is one question
            return [read_decision(answer.document, answer.headers, "cordon-decision-id")]
        given = answer.document.get("evaluations") if isinstance(answer.document, Mapping) else None
        decisions = [read_decision(d, answer.headers, "cordon-batch-id") for d in (given if isinstance(given, list) else [])]
        options = request.get("options")
        semantic = options.get("evaluations_semantic") if isinstance(options, Mapping) else None
        # Callers find an answer by its place, so a list of another length would answer other questions.
        if len(decisions) > len(items) or (len(decisions) < len(items) and not _stopped(decisions, semantic)):
            raise BadAnswer(f"the server gave {len(decisions)} answers to {len(items)} questions")
        return decisions


def named(asked: Mapping[str, Any]) -> Iterator[str]:
    """Give the organizations that a question or a batch names."""
    items = asked.get("evaluations")
    for question in [asked, *(items if isinstance(items, list) else [])]:
        resource = question.get("resource") if isinstance(question, Mapping) else None
        if isinstance(resource, Mapping):
            properties = resource.get("properties")
            of = properties.get("organization") if isinstance(properties, Mapping) else None
            named = resource.get("id") if resource.get("type") == types.ORGANIZATION else of
            if isinstance(named, str):
                yield named


def _stopped(decisions: list[Decision], semantic: str | None) -> bool:
    """Tell whether the last answer is one at which the semantic stops."""
    if not decisions:
        return False
    if semantic == semantics.DENY_ON_FIRST_DENY:
        return not decisions[-1].allowed
    return semantic == semantics.PERMIT_ON_FIRST_PERMIT and decisions[-1].allowed


def _batches(items: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    size = 0
    for item in items:
        length = len(json.dumps(item, ensure_ascii=False).encode())
        if batch and (len(batch) == _ITEMS or size + length > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += length
    if batch:
        yield batch


def _itself(item: Any) -> Any:
    return item
