"""The examples of the README do what they say."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import io
import re
import time
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from cordon_sdk import AsyncClient
from cordon_sdk.testing import FakeCordon

README = Path(__file__).parents[1] / "README.md"


class Readme(unittest.TestCase):
    def setUp(self) -> None:
        self.examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
        self.fake = FakeCordon()
        self.fake.allow("anna", "manage", "shop")

    def run_example(self, n: int, **names: Any) -> tuple[dict[str, Any], str]:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(self.examples[n], f"README.md, example {n + 1}", "exec"), names)
        return names, printed.getvalue()

    def test_there_is_no_other(self) -> None:
        self.assertEqual(len(self.examples), 5)

    def test_the_client(self) -> None:
        with mock.patch("cordon_sdk.Client", lambda url, key: self.fake.client()):
            _, printed = self.run_example(0, key="ck_test")
        self.assertEqual(
            printed.splitlines(), ["she may", "False ['not granted']", "['shop'] [False]", "shop", "False"]
        )
        self.assertEqual(self.fake.acts[0].name, "block")

    def test_asyncio(self) -> None:
        names, _ = self.run_example(1)
        self.assertTrue(asyncio.run(names["may"](AsyncClient(self.fake.client()))))

    def test_the_middleware(self) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", [])
            return [b""]

        names, _ = self.run_example(2, app=app, cordon=self.fake.client())
        statuses: list[str] = []
        for user, path in (("anna", "/products/shop"), ("ben", "/products/shop"), ("", "/healthz"), ("", "/products/shop")):
            environ = {"REMOTE_USER": user, "PATH_INFO": path, "REQUEST_METHOD": "POST"}
            names["app"](environ, lambda status, headers: statuses.append(status[:3]))
        self.assertEqual(statuses, ["200", "403", "200", "401"])

    def test_webhooks(self) -> None:
        body = b'{"type": "product.blocked", "timestamp": "2026-01-01T00:00:00Z", "data": {"product": "shop"}}'
        at = int(time.time())
        mac = hmac.digest(b"a secret", f"m1.{at}.".encode() + body, hashlib.sha256)
        signature = "v1," + base64.b64encode(mac).decode()
        headers = {"Webhook-Id": "m1", "Webhook-Timestamp": str(at), "Webhook-Signature": signature}
        secret = "whsec_" + base64.b64encode(b"a secret").decode()
        _, printed = self.run_example(3, body=body, headers=headers, secret=secret)
        self.assertEqual(printed, "m1 product.blocked shop\n")

    def test_the_fake(self) -> None:
        self.run_example(4)
