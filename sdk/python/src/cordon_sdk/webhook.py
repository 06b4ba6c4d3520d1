"""Webhooks: what a receiver looks at before it believes an event (Standard Webhooks)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .error import CordonError
from .moment import read_time
from .number import read_number


class WebhookError(CordonError):
    """The call is not known to be Cordon's, or is too old: answer it with 400 or 401, and believe nothing of it."""


@dataclass(frozen=True)
class Event:
    """What happened. Each comes at least once; the id tells a repeat."""

    id: str
    type: str  # such as "product.blocked"
    timestamp: datetime
    data: Mapping[str, Any]


def verify_webhook(
    body: bytes,
    headers: Mapping[str, str],
    secrets: str | Iterable[str],
    *,
    tolerance: float = 300.0,
    now: float | None = None,
) -> Event:
    """Read an event whose signature is right, made with one of the secrets (whsec_...) and not longer ago, nor further ahead,
    than the tolerance in seconds. The body is what came, byte for byte."""
    given = {name.lower(): value for name, value in headers.items()}
    id, at, signatures = (given.get("webhook-" + name, "") for name in ("id", "timestamp", "signature"))
    seconds = read_number(at)
    if not id or not signatures or not seconds:
        raise WebhookError("the call has no Webhook-Id, Webhook-Timestamp and Webhook-Signature")
    if abs((time.time() if now is None else now) - seconds) > tolerance:
        raise WebhookError("the call is too old, or a clock is wrong")
    signed = f"{id}.{at}.".encode() + body
    good = False
    for secret in [secrets] if isinstance(secrets, str) else secrets:
        want = b"v1," + base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest())
        for signature in signatures.split():
            good = hmac.compare_digest(want, signature.encode()) or good
    if not good:
        raise WebhookError("the signature is not right")
    try:
        document = json.loads(body)
        return Event(id, document["type"], read_time(document["timestamp"]), document["data"])
    except (KeyError, TypeError, ValueError, RecursionError) as e:
        raise WebhookError(f"the event cannot be read: {e!r}") from e


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as e:
        raise WebhookError("the secret is not of the form whsec_...") from e
    if not key:  # anyone could sign with it
        raise WebhookError("the secret is empty")
    return key
