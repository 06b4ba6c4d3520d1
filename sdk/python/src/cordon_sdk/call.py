"""One call of the API, and when it is tried again."""

from __future__ import annotations

import email.utils
import json
import random
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from .deadline import Deadline
from .error import BadAnswer, CordonError, Invalid, Problem, Unauthorized, Unavailable, error_of, read_problem
from .number import read_number
from .revision import Revisions
from .token import Tokens
from .transport import Request, Response, Transport

PROBLEM = "application/problem+json"

# The mean wait before the first repeat; it doubles with each.
_FIRST_WAIT = 0.1
_LONGEST_WAIT = 5.0


@dataclass(frozen=True)
class Settings:
    """As whom a client asks, and for how long."""

    actor: str = ""
    agent: str = ""
    language: str = ""
    explain: str = ""
    in_set: str = ""  # of policies; "" is Cordon's own
    at_least: Mapping[str, int] = field(default_factory=dict)
    budget: float = 1.0  # seconds of a decision or a page of a search, with its repeat
    timeout: float = 10.0  # seconds of one try of anything else
    tries: int = 4  # of anything else
    user_agent: str = "cordon-sdk-python"


@dataclass
class Wire:
    """What a client shares with those that are derived from it."""

    transport: Transport
    tokens: Tokens
    revisions: Revisions
    base: str  # path of the server's URL
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class Answer:
    """A document, and the headers that came with it."""

    document: Any
    headers: Mapping[str, str]


class Caller:
    """Carries out calls; each may be tried again, since a decision changes nothing and an act has its idempotency key."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._wire = wire
        self._settings = settings

    def _decide(self, *path: str, body: Any, about: Iterable[str] = (), explain: bool = True) -> Answer:
        """Ask for a decision, within the budget and at most twice; about has the organizations that are named in it."""
        headers = {"Content-Type": "application/json"}
        path = ("access", "v1", *path)
        if self._settings.in_set:
            path = ("p", self._settings.in_set, *path)
        else:  # sets know nothing of organizations
            headers["Cordon-At-Least"] = self._wire.revisions.header(self._settings.at_least, about)
        if explain and self._settings.explain:
            headers["Cordon-Explain"] = self._settings.explain
        request = self._request("POST", path, headers, body)
        whole = Deadline(self._settings.budget, self._wire.clock)
        return self._tried(2, lambda n: whole.share() if n == 1 else whole, whole, request)

    def _act(self, *path: str, body: Any) -> Answer:
        """Carry out an act, once however often it is tried."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        if self._settings.explain:
            headers["Cordon-Explain"] = self._settings.explain
        timeout = self._settings.timeout
        request = self._request("POST", path, headers, body)
        return self._tried(self._settings.tries, lambda n: Deadline(timeout, self._wire.clock), None, request)

    def _request(self, method: str, path: tuple[str, ...], headers: dict[str, str], body: Any) -> Request:
        s = self._settings
        headers["Accept"] = f"application/json, {PROBLEM}"
        headers["User-Agent"] = s.user_agent
        headers.update({"Accept-Language": s.language, "Cordon-Actor": s.actor, "Cordon-Agent": s.agent})
        headers = {name: value for name, value in headers.items() if value}
        for name, value in headers.items():
            _sendable(name, value)
        target = self._wire.base
        for segment in path:
            if segment in ("", ".", ".."):  # it would name another resource than was meant
                raise Invalid(f"{segment!r} is no id")
            target += "/" + quote(segment, safe="")
        try:
            text = json.dumps(body, allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode()
        except (TypeError, ValueError) as e:
            raise Invalid(f"what is asked cannot be written as JSON: {e}") from e
        return Request(method, target, headers, text)

    def _tried(self, tries: int, each: Callable[[int], Deadline], whole: Deadline | None, request: Request) -> Answer:
        renewed = False
        for n in range(1, tries + 1):
            until = each(n)
            token = ""
            try:
                token = self._wire.tokens.value(until)
                headers = {**request.headers, "Authorization": "Bearer " + _sendable("Authorization", token)}
                return _read(self._wire.transport.send(replace(request, headers=headers), until))
            except Unauthorized:
                # A token may have ended before its time. Nothing was done, so another may be shown at once, and no third:
                # a server that refuses it is not asked with all that an issuer has.
                if not self._wire.tokens.forget(token) or renewed or n == tries:
                    raise
                renewed = True
            except Unavailable as e:
                wait = max(_back_off(n), e.problem.retry_after)
                if n == tries or wait > _LONGEST_WAIT or (whole is not None and not whole.allows(wait)):
                    raise  # what the server said says more than that the time is over
                self._wire.sleep(wait)
        raise Unavailable("nothing was tried")


def _sendable(name: str, value: str) -> str:
    if not (value.isascii() and value.isprintable()):  # of a key nothing is told
        raise Invalid(f"what was given for {name} cannot be sent: it has a line break, or a letter that no header may have")
    return value


def _back_off(n: int) -> float:
    """Double, and random by half, so that callers that failed together do not come back together."""
    wait: float = min(_FIRST_WAIT * 2 ** min(n - 1, 10), _LONGEST_WAIT)
    return wait / 2 + random.random() * wait / 2


def _read(response: Response) -> Answer:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not 200 <= response.status <= 299:
        raise error_of(_problem(response, kind))
    if kind != "application/json":  # a proxy's page of welcome must not pass for an answer
        raise BadAnswer(f"the answer is {kind!r} and not JSON; is this a Cordon server?")
    return Answer(_decode(response.body), response.headers)


def _decode(body: bytes) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):  # which of the two would count?
            raise ValueError("a member is there twice")
        return members

    try:
        return json.loads(body, object_pairs_hook=once)
    except (ValueError, RecursionError) as e:
        raise BadAnswer(f"the answer cannot be read: {e}") from e


def _problem(response: Response, kind: str) -> Problem:
    document: Any = None
    if kind == PROBLEM:
        try:
            document = _decode(response.body)
        except CordonError:
            pass  # the status is enough to branch on
    after = _retry_after(response.headers.get("retry-after", ""))
    return read_problem(document if isinstance(document, Mapping) else {}, response.status, response.headers, after)


def _retry_after(value: str) -> float:
    """Read how long the server asks to wait, as seconds or as a date."""
    if seconds := read_number(value):
        return float(min(seconds, 24 * 60 * 60))
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (IndexError, OverflowError, TypeError, ValueError):
        return 0.0
