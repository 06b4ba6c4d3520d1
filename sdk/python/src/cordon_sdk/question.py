"""What is asked: may this subject do this to that resource (AuthZEN 1.0, 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import types


@dataclass(frozen=True)
class Subject:
    """Who would act."""

    type: str
    id: str
    properties: Mapping[str, Any] = field(default_factory=dict)

    def wire(self) -> dict[str, Any]:
        return _with_properties({"type": self.type, "id": self.id}, self.properties)


@dataclass(frozen=True)
class Action:
    """What they would do. Mail is read and sent by a channel (property "channel", mail_web where it is absent); a change of
    a role has the new one (property "role")."""

    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)

    def wire(self) -> dict[str, Any]:
        return _with_properties({"name": self.name}, self.properties)


@dataclass(frozen=True)
class Resource:
    """What they would do it to. Users and channels are those of an organization (property "organization")."""

    type: str
    id: str
    properties: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def product(cls, id: str) -> Resource:
        return cls(types.PRODUCT, id)

    @classmethod
    def organization(cls, id: str) -> Resource:
        return cls(types.ORGANIZATION, id)

    @classmethod
    def user(cls, id: str, organization: str) -> Resource:
        return cls(types.USER, id, {"organization": organization})

    @classmethod
    def channel(cls, id: str, organization: str) -> Resource:
        return cls(types.CHANNEL, id, {"organization": organization})

    def wire(self) -> dict[str, Any]:
        return _with_properties({"type": self.type, "id": self.id}, self.properties)


@dataclass(frozen=True)
class Question:
    """One question. A text is a user, an action, or a product."""

    subject: str | Subject
    action: str | Action
    resource: str | Resource
    context: Mapping[str, Any] = field(default_factory=dict)

    def wire(self) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "subject": to_subject(self.subject).wire(),
            "action": to_action(self.action).wire(),
            "resource": to_resource(self.resource).wire(),
        }
        if self.context:
            asked["context"] = dict(self.context)
        return asked


def to_subject(subject: str | Subject) -> Subject:
    return Subject(types.USER, subject) if isinstance(subject, str) else subject


def to_action(action: str | Action) -> Action:
    return Action(action) if isinstance(action, str) else action


def to_resource(resource: str | Resource, of_type: str = types.PRODUCT, organization: str | None = None) -> Resource:
    if not isinstance(resource, str):
        return resource
    return Resource(of_type, resource, {} if organization is None else {"organization": organization})


def _with_properties(entity: dict[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    if properties:
        entity["properties"] = dict(properties)
    return entity
