"""Why a decision is what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reason:
    """A code for programs, and a sentence for people."""

    code: str
    message: str


def read_reasons(document: Any) -> tuple[Reason, ...]:
    return tuple(
        Reason(str(r.get("code", "")), str(r.get("message", "")))
        for r in (document if isinstance(document, list) else [])
        if isinstance(r, Mapping)
    )


def read_texts(document: Any) -> Mapping[str, str]:
    """Read one text by language."""
    if not isinstance(document, Mapping):
        return {}
    return {language: text for language, text in document.items() if isinstance(text, str)}
