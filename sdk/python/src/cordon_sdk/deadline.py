"""Until when a call has to have its answer."""

from __future__ import annotations

import time
from collections.abc import Callable


# A try that has less than this is hardly one.
_SHORTEST = 0.2


class Deadline:
    """A point in time, and what is left until then. A timeout of each step alone would not bound a call: a server that says
    one byte a second keeps every step short."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def left(self) -> float:
        """Give the seconds that are left, or raise TimeoutError where there are none."""
        left = self._end - self._clock()
        if left <= 0:
            raise TimeoutError(f"no answer within {self.seconds:g} s")
        return left

    def share(self) -> Deadline:
        """Give one that leaves time for another try: half of what is left, or all of it where that is too short to share."""
        left = self._end - self._clock()
        return self if left < 2 * _SHORTEST else Deadline(left / 2, self._clock)

    def allows(self, wait: float) -> bool:
        """Tell whether anything is left after a wait."""
        return self._end - self._clock() > wait
