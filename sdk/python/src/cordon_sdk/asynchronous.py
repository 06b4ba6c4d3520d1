"""The client for asyncio."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar

from . import semantics, types
from .client import Client
from .decision import Decision
from .error import Unavailable
from .product import ProductAnswer
from .question import Action, Question, Resource, Subject
from .user import SupportCode, UserAnswer

T = TypeVar("T")


class Asked(Coroutine[Any, Any, T]):
    """An answer that is awaited. A coroutine is true in a condition; one that somebody forgot to await must not pass for a
    yes, so this one has no truth."""

    def __init__(self, answer: Coroutine[Any, Any, T]) -> None:
        self._answer = answer

    def __bool__(self) -> bool:
        raise TypeError("it was asked and not awaited: write `await` before it")

    def __await__(self) -> Generator[Any, Any, T]:
        return self._answer.__await__()

    def send(self, value: Any) -> Any:
        return self._answer.send(value)

    def throw(self, *raised: Any) -> Any:
        return self._answer.throw(*raised)

    def close(self) -> None:
        self._answer.close()


class AsyncClient:
    """A Client for asyncio: the same calls, awaited, and searches by `async for`. They run in threads of an executor; unless
    told one of 32, since asyncio's own has few. A question that waits for a thread uses up its budget, too."""

    def __init__(self, client: Client, executor: Executor | None = None) -> None:
        self.client = client
        self._executor = executor or ThreadPoolExecutor(32, "cordon")

    def as_user(self, user: str) -> AsyncClient:
        return AsyncClient(self.client.as_user(user), self._executor)

    def as_agent(self, agent: str) -> AsyncClient:
        return AsyncClient(self.client.as_agent(agent), self._executor)

    def in_language(self, language: str) -> AsyncClient:
        return AsyncClient(self.client.in_language(language), self._executor)

    def explain(self, reader: str) -> AsyncClient:
        return AsyncClient(self.client.explain(reader), self._executor)

    def in_set(self, name: str) -> AsyncClient:
        return AsyncClient(self.client.in_set(name), self._executor)

    def at_least(self, organization: str, revision: int) -> AsyncClient:
        return AsyncClient(self.client.at_least(organization, revision), self._executor)

    def can(self, user: str | Subject, action: str | Action, resource: str | Resource) -> Asked[bool]:
        return Asked(self._decided(self.client.can, user, action, resource))

    def decide(self, question: Question) -> Asked[Decision]:
        return Asked(self._decided(self.client.decide, question))

    def can_all(self, questions: Iterable[Question]) -> Asked[list[bool]]:
        return self._ask(self.client.can_all, questions)

    def decide_all(self, questions: Iterable[Question], semantic: str = semantics.EXECUTE_ALL) -> Asked[list[Decision]]:
        return self._ask(self.client.decide_all, questions, semantic)

    def evaluations(self, request: Mapping[str, Any]) -> Asked[list[Decision]]:
        return Asked(self._decided(self.client.evaluations, request))

    def filter(
        self,
        user: str | Subject,
        action: str | Action,
        items: Iterable[T],
        *,
        key: Callable[[T], str | Resource] | None = None,
        type: str = types.PRODUCT,
        organization: str | None = None,
    ) -> Asked[list[T]]:
        return self._ask(self.client.filter, user, action, items, key=key, type=type, organization=organization)

    def search_subjects(
        self,
        action: str | Action,
        resource: str | Resource,
        *,
        type: str = types.USER,
        context: Mapping[str, Any] | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Subject]:
        return self._found(self.client._subjects(action, resource, type, context, limit))

    def search_resources(
        self,
        subject: str | Subject,
        action: str | Action,
        *,
        type: str = types.PRODUCT,
        organization: str | None = None,
        context: Mapping[str, Any] | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Resource]:
        return self._found(self.client._resources(subject, action, type, organization, context, limit))

    def search_actions(
        self,
        subject: str | Subject,
        resource: str | Resource,
        *,
        context: Mapping[str, Any] | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[str]:
        return self._found(self.client._actions(subject, resource, context, limit))

    def block_product(
        self, organization: str, product: str, *, reason: str, ticket: str = "", expires_at: datetime | None = None
    ) -> Asked[ProductAnswer]:
        return self._ask(
            self.client.block_product, organization, product, reason=reason, ticket=ticket, expires_at=expires_at
        )

    def unblock_product(
        self, organization: str, product: str, *, reason: str = "", ticket: str = ""
    ) -> Asked[ProductAnswer]:
        return self._ask(self.client.unblock_product, organization, product, reason=reason, ticket=ticket)

    def start_maintenance(
        self, organization: str, product: str, *, reason: str = "", ticket: str = "", expires_at: datetime | None = None
    ) -> Asked[ProductAnswer]:
        return self._ask(
            self.client.start_maintenance, organization, product, reason=reason, ticket=ticket, expires_at=expires_at
        )

    def end_maintenance(
        self, organization: str, product: str, *, reason: str = "", ticket: str = ""
    ) -> Asked[ProductAnswer]:
        return self._ask(self.client.end_maintenance, organization, product, reason=reason, ticket=ticket)

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
    ) -> Asked[UserAnswer]:
        return self._ask(
            self.client.block_user, organization, user, justification=justification, support_code=support_code,
            channels=channels, ticket=ticket, expires_at=expires_at,
        )  # fmt: skip

    def unblock_user(
        self, organization: str, user: str, *, justification: str, support_code: str, ticket: str = ""
    ) -> Asked[UserAnswer]:
        return self._ask(
            self.client.unblock_user, organization, user, justification=justification, support_code=support_code,
            ticket=ticket,
        )  # fmt: skip

    def secure_user(
        self, organization: str, user: str, *, justification: str, support_code: str = ""
    ) -> Asked[UserAnswer]:
        return self._ask(
            self.client.secure_user, organization, user, justification=justification, support_code=support_code
        )

    def create_support_code(self, organization: str) -> Asked[SupportCode]:
        return self._ask(self.client.create_support_code, organization)

    def close(self) -> None:
        self.client.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, call: Callable[..., T], *args: Any, **options: Any) -> Asked[T]:
        return Asked(self._run(functools.partial(call, *args, **options)))

    async def _decided(self, call: Callable[..., T], *args: Any) -> T:
        budget = self.client._settings.budget
        try:  # the call itself has the first word
            return await asyncio.wait_for(self._run(functools.partial(call, *args)), budget + 0.1)
        except asyncio.TimeoutError as e:
            raise Unavailable(f"no answer within {budget:g} s") from e

    async def _run(self, call: Callable[[], T]) -> T:
        context = contextvars.copy_context()  # what traces a request goes along
        return await asyncio.get_running_loop().run_in_executor(self._executor, context.run, call)

    async def _found(self, pages: Iterator[list[T]]) -> AsyncIterator[T]:
        while (page := await self._run(lambda: next(pages, None))) is not None:
            for found in page:
                yield found
