"""Whole numbers in headers."""

from __future__ import annotations


def read_number(text: str) -> int:
    """Read a number of at most 18 digits; anything else is 0. Python reads other digits than ours, and refuses very many."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0
