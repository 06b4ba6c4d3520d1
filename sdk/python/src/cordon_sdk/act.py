"""Acts: blocks, maintenance and what belongs to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from .call import Caller
from .error import BadAnswer, Invalid
from .moment import read_time, write_time
from .product import ProductAnswer, read_product
from .user import SupportCode, UserAnswer, read_user

T = TypeVar("T")


class Acts(Caller):
    """Carries out acts, each once however often it is tried. What the rules deny is Denied, what stands already Conflict."""

    def block_product(
        self, organization: str, product: str, *, reason: str, ticket: str = "", expires_at: datetime | None = None
    ) -> ProductAnswer:
        """Suspend the management of a product for its whole organization."""
        return self._on_product(organization, product, "block", reason, ticket, expires_at)

    def unblock_product(self, organization: str, product: str, *, reason: str = "", ticket: str = "") -> ProductAnswer:
        """Lift the block that was made by the same origin."""
        return self._on_product(organization, product, "unblock", reason, ticket)

    def start_maintenance(
        self, organization: str, product: str, *, reason: str = "", ticket: str = "", expires_at: datetime | None = None
    ) -> ProductAnswer:
        """Suspend the use of a mail service: mail is received, and nobody can read it."""
        return self._on_product(organization, product, "start-maintenance", reason, ticket, expires_at)

    def end_maintenance(self, organization: str, product: str, *, reason: str = "", ticket: str = "") -> ProductAnswer:
        """End the maintenance of a mail service."""
        return self._on_product(organization, product, "end-maintenance", reason, ticket)

    def block_user(
        self,
        organization: str,
        user: str,
        *,
        justification: str,
        support_code: str,
        channels: Iterable[str] = (),
        ticket: str = "",
        expires_at: datetime | None = None,
    ) -> UserAnswer:
        """Block a user in one organization; nothing of theirs is deleted. The channels are closed beside the critical three."""
        more = {"channels": list(channels), "ticket": ticket, "expires_at": _end(expires_at)}
        return self._on_user(organization, user, "block", justification, support_code, more)

    def unblock_user(
        self, organization: str, user: str, *, justification: str, support_code: str, ticket: str = ""
    ) -> UserAnswer:
        """Lift the block that was made by the same origin."""
        return self._on_user(organization, user, "unblock", justification, support_code, {"ticket": ticket})

    def secure_user(self, organization: str, user: str, *, justification: str, support_code: str = "") -> UserAnswer:
        """Send a user the procedure to secure their account, instead of a block. An agent needs a code."""
        return self._on_user(organization, user, "secure", justification, support_code, {})

    def create_support_code(self, organization: str) -> SupportCode:
        """Make a support code for the acting user; it replaces their old one. It is shown once: where the answer was lost, a
        repeat is Conflict, and a new call makes a new code."""
        document = self._act("v1", "organizations", organization, "support-codes", body={}).document
        return _read(lambda: SupportCode(document["code"], read_time(document["expires_at"])))

    def _on_product(
        self, organization: str, product: str, act: str, reason: str, ticket: str, expires_at: datetime | None = None
    ) -> ProductAnswer:
        body = _given({"reason": reason, "ticket": ticket, "expires_at": _end(expires_at)})
        document = self._changed(organization, "products", product, act, body)
        return _read(lambda: ProductAnswer(read_product(document["product"]), document["decision_id"], document["revision"]))

    def _on_user(
        self, organization: str, user: str, act: str, justification: str, support_code: str, more: dict[str, Any]
    ) -> UserAnswer:
        body = _given({"justification": justification, "support_code": support_code, **more})
        document = self._changed(organization, "users", user, act, body)
        return _read(lambda: UserAnswer(read_user(document["user"]), document["decision_id"], document["revision"]))

    def _changed(self, organization: str, of: str, id: str, act: str, body: dict[str, Any]) -> Any:
        document = self._act("v1", "organizations", organization, of, id, act, body=body).document
        if isinstance(document, Mapping) and isinstance(document.get("revision"), int):
            self._wire.revisions.note(organization, document["revision"])
        return document


def _given(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value}


def _end(moment: datetime | None) -> str:
    try:
        return "" if moment is None else write_time(moment)
    except ValueError as e:
        raise Invalid(f"expires_at: {e}") from e


def _read(read: Callable[[], T]) -> T:
    try:
        return read()
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        raise BadAnswer(f"it is done, but the answer cannot be read: {e!r}") from e
