"""Users, and what acts on them answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .moment import read_time
from .product import read_end


@dataclass(frozen=True)
class UserBlock:
    """One block of a user in an organization."""

    origin: str
    channels: tuple[str, ...]  # those named beside the critical three
    by: str
    since: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True)
class User:
    """A person's membership in one organization."""

    id: str
    organization: str
    name: str
    email: str
    language: str
    role: str
    grants: tuple[str, ...]  # ids of products
    product_events: bool  # wants to be told of them
    blocked: bool
    blocks: tuple[UserBlock, ...]
    revision: int  # of the organization


@dataclass(frozen=True)
class UserAnswer:
    """What an act on a user answers."""

    user: User
    decision_id: str
    revision: int


@dataclass(frozen=True)
class SupportCode:
    """A one-time code with which an administrator or a legal representative proves who they are. It is shown once."""

    code: str = field(repr=False)
    expires_at: datetime


def read_user(document: Mapping[str, Any]) -> User:
    return User(
        id=document["id"],
        organization=document["organization"],
        name=document["name"],
        email=document["email"],
        language=document.get("language", ""),
        role=document["role"],
        grants=tuple(document["grants"]),
        product_events=document["notify"]["product_events"],
        blocked=document["blocked"],
        blocks=tuple(
            UserBlock(b["origin"], tuple(b["channels"]), b["by"], read_time(b["since"]), read_end(b))
            for b in document["blocks"]
        ),
        revision=document["revision"],
    )
