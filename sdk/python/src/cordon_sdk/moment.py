"""Times as the API writes them (RFC 3339)."""

from __future__ import annotations

import re
from datetime import datetime, timezone

_WRITTEN = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-]\d\d:\d\d))")


def read_time(text: str) -> datetime:
    """Read a time; what is finer than a microsecond is cut."""
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError(f"{text!r} is no time as RFC 3339 writes it")
    day, clock, fraction, zone = written.groups()
    return datetime.fromisoformat(f"{day}T{clock}.{((fraction or '') + '000000')[:6]}{zone or '+00:00'}")


def write_time(moment: datetime) -> str:
    """Write a time, which must say its zone: a naive one would mean another instant elsewhere."""
    if moment.tzinfo is None:
        raise ValueError("the time has no zone; use datetime.now(timezone.utc), say")
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
