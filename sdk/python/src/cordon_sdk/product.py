"""Products, and what acts on them answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .moment import read_time


@dataclass(frozen=True)
class Block:
    """One block of a product. Blocks of different origins stand side by side."""

    origin: str
    reason: str
    by: str
    since: datetime
    ticket: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Product:
    """A service that an organization bought."""

    id: str
    organization: str
    name: str
    kind: str
    blocked: bool
    maintenance: bool
    blocks: tuple[Block, ...]
    revision: int  # of the organization


@dataclass(frozen=True)
class ProductAnswer:
    """What an act on a product answers."""

    product: Product
    decision_id: str
    revision: int


def read_product(document: Mapping[str, Any]) -> Product:
    return Product(
        id=document["id"],
        organization=document["organization"],
        name=document["name"],
        kind=document["kind"],
        blocked=document["blocked"],
        maintenance=document["maintenance"],
        blocks=tuple(
            Block(b["origin"], b["reason"], b["by"], read_time(b["since"]), b.get("ticket", ""), read_end(b))
            for b in document["blocks"]
        ),
        revision=document["revision"],
    )


def read_end(document: Mapping[str, Any]) -> datetime | None:
    return read_time(document["expires_at"]) if document.get("expires_at") else None
