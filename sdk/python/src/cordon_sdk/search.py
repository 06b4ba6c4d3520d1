"""Searches: which subjects, resources or actions a question would be allowed for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from . import types
from .call import Caller
from .decide import named
from .error import BadAnswer
from .question import Action, Resource, Subject, to_action, to_resource, to_subject

T = TypeVar("T")


class Searches(Caller):
    """Searches page by page, the next one when it is needed. What is found was allowed when its page was made."""

    def search_subjects(
        self,
        action: str | Action,
        resource: str | Resource,
        *,
        type: str = types.USER,
        context: Mapping[str, Any] | None = None,
        limit: int | None = None,
    ) -> Iterator[Subject]:
        """Find who may do something to a resource. The limit is that of a page."""
        for page in self._subjects(action, resource, type, context, limit):
            yield from page

    def search_resources(
        self,
        subject: str | Subject,
        action: str | Action,
        *,
        type: str = types.PRODUCT,
        organization: str | None = None,
        context: Mapping[str, Any] | None = None,
        limit: int | None = None,
    ) -> Iterator[Resource]:
        """Find what somebody may do something to; users and channels of an organization."""
        for page in self._resources(subject, action, type, organization, context, limit):
            yield from page

    def search_actions(
        self,
        subject: str | Subject,
        resource: str | Resource,
        *,
        context: Mapping[str, Any] | None = None,
        limit: int | None = None,
    ) -> Iterator[str]:
        """Find what somebody may do to a resource."""
        for page in self._actions(subject, resource, context, limit):
            yield from page

    def _subjects(
        self, action: str | Action, resource: str | Resource, of: str, context: Mapping[str, Any] | None, limit: int | None
    ) -> Iterator[list[Subject]]:
        asked = {"subject": {"type": of}, "action": to_action(action).wire(), "resource": to_resource(resource).wire()}
        return self._pages("subject", asked, context, limit, lambda found: Subject(_text(found, "type"), _text(found, "id")))

    def _resources(
        self,
        subject: str | Subject,
        action: str | Action,
        of: str,
        organization: str | None,
        context: Mapping[str, Any] | None,
        limit: int | None,
    ) -> Iterator[list[Resource]]:
        wanted: dict[str, Any] = {"type": of}
        if organization is not None:
            wanted["properties"] = {"organization": organization}
        asked = {"subject": to_subject(subject).wire(), "action": to_action(action).wire(), "resource": wanted}
        return self._pages("resource", asked, context, limit, lambda found: Resource(_text(found, "type"), _text(found, "id")))

    def _actions(
        self, subject: str | Subject, resource: str | Resource, context: Mapping[str, Any] | None, limit: int | None
    ) -> Iterator[list[str]]:
        asked = {"subject": to_subject(subject).wire(), "resource": to_resource(resource).wire()}
        return self._pages("action", asked, context, limit, lambda found: _text(found, "name"))

    def _pages(
        self,
        what: str,
        asked: dict[str, Any],
        context: Mapping[str, Any] | None,
        limit: int | None,
        read: Callable[[Mapping[str, Any]], T],
    ) -> Iterator[list[T]]:
        if context:
            asked["context"] = dict(context)
        page: dict[str, Any] = {} if limit is None else {"limit": limit}
        while True:
            if page:
                asked["page"] = page
            document = self._decide("search", what, body=asked, about=named(asked), explain=False).document
            results = document.get("results") if isinstance(document, Mapping) else None
            if not isinstance(results, list):
                raise BadAnswer("there are no results in the answer")
            told = document.get("page")
            told = {} if told is None else told
            if not isinstance(told, Mapping):  # it may not be the last one
                raise BadAnswer("the page of the answer is no object")
            token = told.get("next_token")
            token = "" if token is None else token
            if not isinstance(token, str) or token and token == page.get("token"):
                raise BadAnswer("the search does not come to its end")  # complete, or not at all
            yield [read(found) for found in results if _is_mapping(found)]
            if not token:
                return
            page = {**page, "token": token}


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise BadAnswer(f"a result has no {name}")
    return value


def _is_mapping(found: Any) -> bool:
    if not isinstance(found, Mapping):
        raise BadAnswer("a result is no object")
    return True
