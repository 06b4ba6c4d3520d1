from __future__ import annotations

import base64
import hashlib
import hmac
import json
import unittest

from cordon_sdk import WebhookError, events, verify_webhook

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
AT = 1_767_225_600
BODY = json.dumps({"type": "product.blocked", "timestamp": "2026-01-01T00:00:00Z", "data": {"product": "shop"}}).encode()


def sign(key: bytes, id: str = "m1", at: int = AT, body: bytes = BODY) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, f"{id}.{at}.".encode() + body, hashlib.sha256)).decode()


def head(signature: str, id: str = "m1", at: str = str(AT)) -> dict[str, str]:
    return {"webhook-id": id, "Webhook-Timestamp": at, "WEBHOOK-SIGNATURE": signature}


class Webhook(unittest.TestCase):
    def test_an_event_that_is_signed_is_read(self) -> None:
        event = verify_webhook(BODY, head(sign(KEY)), SECRET, now=AT + 299.0)
        self.assertEqual((event.id, event.type, event.data), ("m1", events.PRODUCT_BLOCKED, {"product": "shop"}))
        self.assertEqual(event.timestamp.timestamp(), AT)

    def test_while_a_secret_is_exchanged_either_will_do(self) -> None:
        other = "whsec_" + base64.b64encode(b"another").decode()
        verify_webhook(BODY, head(f"v1a,x {sign(b'unknown')} {sign(KEY)}"), SECRET, now=AT)
        verify_webhook(BODY, head(sign(KEY)), [other, SECRET], now=AT)

    def test_nothing_else_is_believed(self) -> None:
        good = sign(KEY)
        cases: dict[str, tuple[bytes, dict[str, str], float]] = {
            "another key": (BODY, head(sign(b"another")), AT),
            "another body": (BODY + b" ", head(good), AT),
            "another id": (BODY, head(good, id="m2"), AT),
            "another time": (BODY, head(good, at=str(AT + 1)), AT),
            "an old one": (BODY, head(good), AT + 301),
            "one of tomorrow": (BODY, head(good), AT - 301),
            "no signature": (BODY, head(""), AT),
            "an empty one": (BODY, head("v1,"), AT),
            "another version": (BODY, head(good.replace("v1,", "v2,")), AT),
            "letters that no signature has": (BODY, head("v1,\u00e9"), AT),
            "no id": (BODY, head(good, id=""), AT),
            "no time": (BODY, head(good, at="now"), AT),
            "no headers": (BODY, {}, AT),
            "a body that is no event": (b"[]", head(sign(KEY, body=b"[]")), AT),
            "a body that is no JSON": (b"{", head(sign(KEY, body=b"{")), AT),
        }
        for name, (body, headers, now) in cases.items():
            with self.subTest(name), self.assertRaises(WebhookError):
                verify_webhook(body, headers, SECRET, now=now)

    def test_a_secret_that_is_none_verifies_nothing(self) -> None:
        secrets: list[str | list[str]] = ["", "whsec_", "whsec_\u00e9", "whsec_a", []]
        for secret in secrets:
            with self.subTest(str(secret)), self.assertRaises(WebhookError):
                verify_webhook(BODY, head(sign(b"")), secret, now=AT)
