"""What goes wrong. Whatever it is, it is an exception and never a yes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from .reason import Reason, read_reasons, read_texts
from .moment import read_time

if TYPE_CHECKING:
    from .decision import Decision


@dataclass(frozen=True)
class FieldError:
    """One thing that is wrong in a body."""

    pointer: str  # JSON pointer (RFC 6901)
    detail: str


@dataclass(frozen=True)
class Problem:
    """An error as the server tells it (RFC 9457). Programs branch on code."""

    status: int = 0
    code: str = ""
    title: str = ""
    detail: str = ""
    request_id: str = ""
    errors: tuple[FieldError, ...] = ()  # of a 400: what is wrong where
    reasons: tuple[Reason, ...] = ()  # of a denied act
    decision_id: str = ""  # of a denied act: its record
    locked_until: datetime | None = None  # of support codes, after too many wrong tries
    reason_user: Mapping[str, str] = field(default_factory=dict)
    reason_admin: Mapping[str, str] = field(default_factory=dict)
    language: str = ""  # of the reasons' messages
    retry_after: float = 0  # seconds that the server asks to wait

    def __str__(self) -> str:
        told = "; ".join(
            [f"{r.code}: {r.message}" for r in self.reasons] + [f"{e.pointer} {e.detail}".strip() for e in self.errors]
        )
        text = told or self.detail or self.title or f"the server answered {self.status} {_phrase(self.status)}".rstrip()
        return f"{text} ({self.code})" if self.code else text


class CordonError(Exception):
    """The base of all errors here. The problem has the details where the server told some."""

    def __init__(self, said: str | Problem) -> None:
        super().__init__(str(said))
        self.problem = said if isinstance(said, Problem) else Problem(detail=said)

    @property
    def status(self) -> int:
        return self.problem.status

    @property
    def code(self) -> str:
        return self.problem.code

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return self.problem.reasons

    @property
    def decision_id(self) -> str:
        return self.problem.decision_id


class Invalid(CordonError):
    """The request is not valid (400, 405, 413, 415, 422)."""


class Unauthorized(CordonError):
    """The server does not know this key or token (401)."""


class Forbidden(CordonError):
    """The key may not do this: a scope, a limit to one organization (403)."""


class Denied(CordonError):
    """The rules deny it, for the reasons (403)."""


class NotFound(CordonError):
    """There is no such thing (404)."""


class Conflict(CordonError):
    """It conflicts with what stands (409)."""


class PreconditionFailed(CordonError):
    """It is another than the condition asks for (412)."""


class Unavailable(CordonError):
    """The server cannot answer now, or was not reached, or not in time."""


class TooStale(Unavailable):
    """The server does not know that revision yet."""


class BadAnswer(CordonError):
    """What came is no answer of a Cordon server."""


class UnknownAction(CordonError):
    """No rule knows this action on that type of resource, so nobody could ever be allowed it: a slip of the pen, which must
    not pass for a denial of everybody. The decision has its record."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(
            Problem(
                status=HTTPStatus.OK,
                code="unknown_action",
                detail="the rules know no such action on this type of resource",
                decision_id=decision.id,
            )
        )
        self.decision = decision


class Undecided(CordonError):
    """One item of a batch could not be decided."""


_BY_STATUS: Mapping[int, type[CordonError]] = {
    400: Invalid, 401: Unauthorized, 403: Forbidden, 404: NotFound, 405: Invalid, 408: Unavailable, 409: Conflict,
    412: PreconditionFailed, 413: Invalid, 415: Invalid, 422: Invalid, 429: Unavailable, 502: Unavailable,
    503: Unavailable, 504: Unavailable,
}  # fmt: skip


def error_of(problem: Problem) -> CordonError:
    """Give the error that callers branch on."""
    if problem.status == HTTPStatus.FORBIDDEN and problem.code == "denied":
        return Denied(problem)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE and problem.code == "too_stale":
        return TooStale(problem)
    return _BY_STATUS.get(problem.status, CordonError)(problem)


def read_problem(document: Mapping[str, Any], status: int, headers: Mapping[str, str], retry_after: float) -> Problem:
    """Read a problem; a member that is not as it should be is as if it were not there, for the status says enough."""

    def text(name: str) -> str:
        value = document.get(name)
        return value if isinstance(value, str) else ""

    errors = document.get("errors")
    locked = text("locked_until")
    return Problem(
        status=status,
        code=text("code"),
        title=text("title"),
        detail=text("detail"),
        request_id=text("request_id") or headers.get("x-request-id", ""),
        errors=tuple(
            FieldError(str(e.get("pointer", "")), str(e.get("detail", "")))
            for e in (errors if isinstance(errors, list) else [])
            if isinstance(e, Mapping)
        ),
        reasons=read_reasons(document.get("reasons")),
        decision_id=text("decision_id"),
        locked_until=_time(locked),
        reason_user=read_texts(document.get("reason_user")),
        reason_admin=read_texts(document.get("reason_admin")),
        language=headers.get("content-language", ""),
        retry_after=retry_after,
    )


def _time(text: str) -> datetime | None:
    try:
        return read_time(text)
    except ValueError:
        return None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
