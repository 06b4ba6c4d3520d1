"""How a client gets the token that it shows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from .deadline import Deadline
from .error import CordonError, Invalid, Unavailable


@dataclass(frozen=True)
class Token:
    """A token, and when it ends. It is shown again until shortly before then, or until the server does not know it."""

    value: str = field(repr=False)
    expires_at: datetime | None = None  # with its zone; None where it is not known


# A source gives a token when one is needed: a Token is kept, a text is asked for each time.
TokenSource = Callable[[], "Token | str"]

# How long before its end a token is no longer shown: it has to arrive, and clocks differ.
_MARGIN = 10.0


class Tokens:
    """The token of a client, fetched by one thread at a time."""

    def __init__(self, source: TokenSource, now: Callable[[], float] = time.time) -> None:
        self._source = source
        self._now = now
        self._lock = threading.Lock()
        self._kept: Token | None = None
        self._keeps = False  # the source has given one to keep

    def value(self, deadline: Deadline) -> str:
        """Give a token. A source that fails is Unavailable: nothing can be asked now."""
        kept = self._kept
        if kept is not None and not self._ends(kept):
            return kept.value
        try:
            turn = self._lock.acquire(timeout=deadline.left())
        except TimeoutError:
            turn = False
        if not turn:
            raise Unavailable(f"no token within {deadline.seconds:g} s")
        try:
            kept = self._kept
            if kept is None or self._ends(kept):
                try:
                    given = self._source()
                except CordonError:
                    raise
                except Exception as e:
                    raise Unavailable(f"the token's source failed: {e}") from e
                if not (given if isinstance(given, str) else given.value):
                    raise Unavailable("the token's source gave none")
                if isinstance(given, str):
                    return given
                if given.expires_at is not None and given.expires_at.tzinfo is None:
                    raise Invalid("the end of a token must say its zone")
                self._kept, self._keeps = given, True
                kept = given
            return kept.value
        finally:
            self._lock.release()

    def forget(self, value: str) -> bool:
        """Forget a token that the server does not know, and tell whether another can be had: of a kept one, yes, though
        another call may have had it forgotten before."""
        with self._lock:
            if self._kept is not None and self._kept.value == value:
                self._kept = None
            return self._keeps

    def _ends(self, token: Token) -> bool:
        return token.expires_at is not None and self._now() + _MARGIN >= token.expires_at.timestamp()
