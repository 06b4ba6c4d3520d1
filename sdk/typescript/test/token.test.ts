import assert from "node:assert/strict";
import { test } from "node:test";

import { CordonError, type Token, type TokenSource } from "../src/index.js";
import { Tokens } from "../src/token.js";
import { on, problem, yes } from "./stub.js";

const soon = () => Date.now() + 3_600_000;

/** A source that counts. */
function counting(token: (n: number) => Token | string | Promise<Token | string>): { source: TokenSource; asked: () => number } {
  let n = 0;
  return { source: () => token(++n), asked: () => n };
}

test("a token is used until the end that was told with it", async () => {
  let now = 1_000_000;
  const { source, asked } = counting((n) => ({ token: `t${n}`, expiresAt: now + 60_000 }));
  const tokens = new Tokens(source, () => now);
  const get = () => tokens.get(new AbortController().signal);
  assert.deepEqual([await get(), await get()], ["t1", "t1"]);
  now += 49_999;
  assert.equal(await get(), "t1");
  now += 1; // ten seconds before its end it may not arrive in time
  assert.equal(await get(), "t2");
  assert.equal(asked(), 2);
});

test("a refusal of an old token does not cost the new one", async () => {
  const { source, asked } = counting((n) => `t${n}`);
  const tokens = new Tokens(source, Date.now);
  const get = () => tokens.get(new AbortController().signal);
  await get();
  tokens.forget("t1");
  assert.equal(await get(), "t2");
  tokens.forget("t1");
  assert.deepEqual([await get(), asked()], ["t2", 2]);
});

test("an end may be a date; what is no time is over, and without one a token is kept", async () => {
  for (const [expiresAt, times] of [[new Date(soon()), 1], [new Date("never"), 2], [undefined, 1], [0, 2]] as const) {
    const { source, asked } = counting(() => ({ token: "t", ...(expiresAt === undefined ? {} : { expiresAt }) }));
    const { client } = on(() => yes, { token: source });
    await client.can("carol", "manage", "web-1");
    await client.can("carol", "manage", "web-1");
    assert.equal(asked(), times, String(expiresAt));
  }
});

test("calls at the same time share what the source gives, and so do derived clients", async () => {
  const { source, asked } = counting(async () => ({ token: "t", expiresAt: soon() }));
  const { client, sent } = on(() => yes, { token: source });
  await Promise.all([client, client.as("bob"), client.in("fr")].map((c) => c.can("carol", "manage", "web-1")));
  assert.equal(asked(), 1);
  assert.deepEqual(sent.map((s) => s.headers.get("Authorization")), ["Bearer t", "Bearer t", "Bearer t"]);
});

test("a token that the server refuses is replaced once", async () => {
  const { source, asked } = counting((n) => ({ token: `t${n}`, expiresAt: soon() }));
  const { client, sent } = on((s) => (s.headers.get("Authorization") === "Bearer t1" ? problem(401, "unauthenticated") : yes), { token: source });
  assert.equal(await client.can("carol", "manage", "web-1"), true);
  assert.deepEqual([asked(), sent.length], [2, 2]);
  const never = on(() => problem(401, "unauthenticated"), { token: source });
  await assert.rejects(never.client.can("carol", "manage", "web-1"), (e: CordonError) => e.kind === "unauthorized");
  assert.equal(never.sent.length, 2);
  // An act may be tried more often, and yet.
  await assert.rejects(never.client.blockProduct("acme", "web-1", { reason: "x" }), (e: CordonError) => e.kind === "unauthorized");
  assert.equal(never.sent.length, 4);
});

test("of two calls with a token that was refused, one asks for the next and both use it", async () => {
  const { source, asked } = counting((n) => ({ token: `t${n}`, expiresAt: soon() }));
  let arrive = () => undefined as void;
  const both = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  let old = 0;
  const { client } = on(
    async (s) => {
      if (s.headers.get("Authorization") !== "Bearer t1") {
        return yes;
      }
      if (++old === 2) {
        arrive();
      }
      await both;
      return problem(401, "unauthenticated");
    },
    { token: source },
  );
  assert.deepEqual(await Promise.all([client.can("a", "view", "w"), client.can("b", "view", "w")]), [true, true]);
  assert.equal(asked(), 2);
});

test("a source that fails, gives nothing or takes too long is an error and no answer", async () => {
  const hang = () => new Promise<Token>(() => undefined);
  const fail = () => Promise.reject(new Error("the issuer is down"));
  const crash = () => {
    throw new Error("a slip of the pen");
  };
  for (const token of [hang, fail, crash, () => "", () => ({}) as Token]) {
    const { client, sent } = on(() => yes, { token, budget: 50 });
    await assert.rejects(client.can("carol", "manage", "web-1"), (e: CordonError) => e.kind === "unavailable");
    assert.equal(sent.length, 0);
  }
});

test("a source that failed is asked again by the next call", async () => {
  const { source } = counting((n) => (n <= 2 ? Promise.reject(new Error("down")) : { token: "t", expiresAt: soon() }));
  const { client } = on(() => yes, { token: source });
  await assert.rejects(client.can("carol", "manage", "web-1"), CordonError);
  assert.equal(await client.can("carol", "manage", "web-1"), true);
});

test("one call that ends before its time does not end the token that others wait for", async () => {
  let give = (_: Token) => undefined as void;
  const { client } = on(() => yes, { token: () => new Promise<Token>((resolve) => (give = resolve)) });
  const stop = new AbortController();
  const first = client.can("a", "view", "w", { signal: stop.signal });
  const second = client.can("b", "view", "w");
  stop.abort();
  await assert.rejects(first, { name: "AbortError" });
  give({ token: "t", expiresAt: soon() });
  assert.equal(await second, true);
});
