"""What a client changed it then sees: its decisions are made at the revisions of its changes, or at later ones."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

# How long a change is carried: no server decides on facts that are older than a minute (--max-staleness).
_CARRIED = 65.0

# How many organizations are remembered, and how many a question may name.
_REMEMBERED = 1024
_NAMED = 16


class Revisions:
    """The revisions of the organizations that a client and those derived from it have changed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._made: OrderedDict[str, tuple[int, float]] = OrderedDict()  # the last change at the end

    def note(self, organization: str, revision: int) -> None:
        """Note the revision that a change made. Answers may come in another order than the changes."""
        with self._lock:
            before, _ = self._made.pop(organization, (0, 0.0))
            self._made[organization] = (max(revision, before), self._clock())
            while len(self._made) > _REMEMBERED:
                self._made.popitem(last=False)

    def header(self, asked: Mapping[str, int], about: Iterable[str] = ()) -> str:
        """Give the value of Cordon-At-Least: what the caller asks for, what was changed of the organizations that a question
        is about, and of the rest what was changed last and has room."""
        pairs = dict(asked)
        if self._made:
            with self._lock:
                now = self._clock()
                made = {o: r for o, (r, at) in reversed(self._made.items()) if now - at <= _CARRIED}
            for organization in [*(o for o in about if o in made), *made]:
                if organization in pairs or len(pairs) < _NAMED:
                    pairs[organization] = max(made[organization], pairs.get(organization, 0))
        return ", ".join(f"{organization}={pairs[organization]}" for organization in sorted(pairs))
