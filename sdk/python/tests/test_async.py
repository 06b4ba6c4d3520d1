from __future__ import annotations

import asyncio
import inspect
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

from cordon_sdk import AsyncClient, Client, Question, Unavailable
from cordon_sdk.testing import FakeCordon


def made() -> tuple[FakeCordon, AsyncClient]:
    fake = FakeCordon()
    fake.allow("anna", "manage", "shop")
    fake.allow("anna", "manage", "site")
    return fake, AsyncClient(fake.client())


class Async(unittest.IsolatedAsyncioTestCase):
    async def test_calls_are_awaited(self) -> None:
        fake, cordon = made()
        async with cordon:
            self.assertTrue(await cordon.can("anna", "manage", "shop"))
            self.assertFalse(await cordon.decide(Question("ben", "manage", "shop")))
            self.assertEqual(await cordon.filter("anna", "manage", ["a", "site"]), ["site"])
            asked = [Question("anna", "manage", "shop"), Question("anna", "view", "shop")]
            self.assertEqual(await cordon.can_all(asked), [True, False])
            self.assertEqual([bool(d) for d in await cordon.decide_all(asked)], [True, False])
            self.assertEqual([p.id async for p in cordon.search_resources("anna", "manage")], ["shop", "site"])
            self.assertEqual([s.id async for s in cordon.search_subjects("manage", "shop")], ["anna"])
            self.assertEqual([a async for a in cordon.search_actions("anna", "shop")], ["manage"])
            done = await cordon.as_user("lena").block_product("acme", "shop", reason="unpaid")
            self.assertTrue(done.product.blocked)
            self.assertEqual(fake.acts[0].actor, "lena")

    async def test_what_is_not_awaited_is_no_yes(self) -> None:
        _, cordon = made()
        asked = cordon.can("ben", "manage", "shop")
        with self.assertRaises(TypeError):
            if asked:
                self.fail("a question passed for its answer")
        self.assertFalse(await asked)

    async def test_answers_may_be_gathered(self) -> None:
        fake, cordon = made()
        answers = await asyncio.gather(cordon.can("anna", "manage", "shop"), cordon.can("ben", "manage", "shop"))
        self.assertEqual(answers, [True, False])
        self.assertTrue(await asyncio.create_task(cordon.can("anna", "manage", "shop")))
        with fake.failing(), self.assertRaises(Unavailable):
            await cordon.can("anna", "manage", "shop")

    async def test_to_wait_for_a_thread_uses_up_the_budget(self) -> None:
        fake = FakeCordon()
        fake.allow()
        over = threading.Event()
        with ThreadPoolExecutor(1) as executor:
            busy = executor.submit(over.wait)
            with self.assertRaises(Unavailable):
                await AsyncClient(fake.client(budget=0.01), executor).can("anna", "manage", "shop")
            over.set()
            busy.result()
            self.assertTrue(await AsyncClient(fake.client(), executor).can("anna", "manage", "shop"))
        self.assertEqual(len(fake.asked), 1)  # what nobody waits for is not asked

    async def test_it_has_all_that_the_other_has(self) -> None:
        left_out = {"from_environment"}
        for name, method in inspect.getmembers(Client, callable):
            if name.startswith("_") or name in left_out:
                continue
            mine, its = inspect.signature(getattr(AsyncClient, name)), inspect.signature(method)
            self.assertEqual(list(mine.parameters), list(its.parameters), name)
            self.assertEqual([p.default for p in mine.parameters.values()], [p.default for p in its.parameters.values()], name)
