"""The answer to a question, and where it stands in the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .error import BadAnswer, Problem, Undecided, UnknownAction
from .number import read_number
from .reason import Reason, read_reasons, read_texts
from .reasons import UNKNOWN_ACTION


@dataclass(frozen=True)
class ItemError:
    """Why an item of a batch could not be decided; such an item is never a yes."""

    status: int
    message: str


@dataclass(frozen=True)
class Decision:
    """An answer. In a condition it is what it says: true where it is allowed, and then alone."""

    allowed: bool
    reasons: tuple[Reason, ...] = ()  # all that hold, the decisive first; a yes has one, too
    language: str = ""  # of the reasons' messages
    reason_user: Mapping[str, str] = field(default_factory=dict)  # by language, where the client asks for an explanation
    reason_admin: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)  # all that came with it, as a policy set gives it
    error: ItemError | None = None  # of an item of a batch
    id: str = ""  # of the decision's record; of a batch, what its records have as batch
    policy: str = ""  # digest of the policy that decided
    revision: int = 0  # of the organization; 0 where none is concerned, or several

    def __bool__(self) -> bool:
        return self.allowed

    def check(self) -> Decision:
        """Give the decision itself, or raise where its denial is none that a person should be told: UnknownAction where
        nobody could ever be allowed what was asked, Undecided where an item of a batch could not be asked."""
        if self.error is not None:
            raise Undecided(Problem(status=self.error.status, code="undecided", detail=self.error.message))
        if not self.allowed and self.reasons and self.reasons[0].code == UNKNOWN_ACTION:
            raise UnknownAction(self)
        return self


def read_decision(document: Any, headers: Mapping[str, str], id_header: str) -> Decision:
    """Read an answer, which must say yes or no: what is absent is neither."""
    if not isinstance(document, Mapping) or not isinstance(document.get("decision"), bool):
        raise BadAnswer("there is no decision in the answer")
    context = document.get("context")
    if context is None:
        context = {}
    if not isinstance(context, Mapping):
        raise BadAnswer("the context of the decision is no object")
    error = None
    if (said := context.get("error")) is not None:
        said = said if isinstance(said, Mapping) else {}
        status = said.get("status")
        error = ItemError(status if isinstance(status, int) else 0, str(said.get("message", "")))
    return Decision(
        allowed=document["decision"] is True and error is None,
        reasons=read_reasons(context.get("reasons")),
        language=headers.get("content-language", ""),
        reason_user=read_texts(context.get("reason_user")),
        reason_admin=read_texts(context.get("reason_admin")),
        context=context,
        error=error,
        id=headers.get(id_header, ""),
        policy=headers.get("cordon-policy", ""),
        revision=read_number(headers.get("cordon-revision", "")),
    )
