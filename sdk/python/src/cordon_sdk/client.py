"""The client of one server."""

from __future__ import annotations

import os
import ssl
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from .act import Acts
from .call import Settings, Wire
from .decide import Decides
from .error import Invalid
from .revision import Revisions
from .search import Searches
from .token import Tokens, TokenSource
from .transport import HTTPTransport, Transport

C = TypeVar("C", bound="Client")


class Client(Decides, Searches, Acts):
    """Talks to one server as one caller, from any number of threads. Those that are derived from it (as_user, at_least and
    the like) share its connections, its token and what it knows of its own changes; close one of them, once."""

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        token: TokenSource | None = None,
        budget: float = 1.0,
        timeout: float = 10.0,
        tries: int = 4,
        tls: ssl.SSLContext | None = None,
        transport: Transport | None = None,
        user_agent: str = "cordon-sdk-python",
    ) -> None:
        """Make a client; it does not talk to the server yet.

        The URL may have a path, such as /p/NAME of a policy set. A caller shows an API key, or a token of the issuer that
        the server trusts. A decision has its answer within the budget in seconds, or is Unavailable; anything else is tried
        so many times, each within the timeout. TLS says whom the server's certificate must be from and what is shown to a
        server that asks for one; without, as this machine does.
        """
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as e:
            raise Invalid(f"the URL of the Cordon server: {e}") from e
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
            raise Invalid("the URL of the Cordon server is not of the form http(s)://host[:port]")
        if bool(key) == (token is not None):
            raise Invalid("a client shows a key, or a token of a source; give one of them")
        if budget <= 0 or timeout <= 0 or tries < 1:
            raise Invalid("budget and timeout are more than 0 seconds, and tries at least 1")
        key = key.strip()  # of a file, say
        secure = parts.scheme == "https"
        if transport is None:
            context = (tls or ssl.create_default_context()) if secure else None
            transport = HTTPTransport(parts.hostname, port or (443 if secure else 80), context)
        wire = Wire(transport, Tokens(token or (lambda: key)), Revisions(), parts.path.rstrip("/"))
        super().__init__(wire, Settings(budget=budget, timeout=timeout, tries=tries, user_agent=user_agent))

    @classmethod
    def from_environment(cls, **options: Any) -> Client:
        """Make a client for CORDON_URL with CORDON_KEY, as the command line takes them."""
        return cls(os.environ.get("CORDON_URL", "http://127.0.0.1:8080"), os.environ.get("CORDON_KEY", ""), **options)

    def as_user(self: C, user: str) -> C:
        """Give a client that acts for a user. Its key needs the scope act."""
        return self._with(actor=user, agent="")

    def as_agent(self: C, agent: str) -> C:
        """Give a client that acts for a support agent. Its key needs the scope support."""
        return self._with(actor="", agent=agent)

    def in_language(self: C, language: str) -> C:
        """Give a client whose messages are in a language; it takes what Accept-Language may say, such as "de-CH, fr;q=0.8"."""
        return self._with(language=language)

    def explain(self: C, reader: str) -> C:
        """Give a client whose decisions and denied acts are told in sentences to a reader (readers.USER, readers.ADMIN)."""
        return self._with(explain=reader)

    def in_set(self: C, name: str) -> C:
        """Give a client whose questions and searches are answered by a set of policies beside Cordon's own."""
        return self._with(in_set=name)

    def at_least(self: C, organization: str, revision: int) -> C:
        """Give a client whose decisions about an organization are made at a revision or a later one, or are TooStale. What
        this client changed itself it sees without."""
        asked = dict(self._settings.at_least)
        asked[organization] = max(revision, asked.get(organization, 0))
        return self._with(at_least=asked)

    def close(self) -> None:
        """Close the connections that are kept. A client that is used again opens new ones."""
        self._wire.transport.close()

    def __enter__(self: C) -> C:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _with(self: C, **changes: Any) -> C:
        derived = object.__new__(type(self))
        derived._wire = self._wire
        derived._settings = replace(self._settings, **changes)
        return derived
