import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test, type TestContext } from "node:test";

import { type Client, CordonError, decisionOf, type Denial, middleware, type MiddlewareConfig } from "../src/index.js";
import { json, on, problem, serve, yes } from "./stub.js";

type Config = Partial<MiddlewareConfig<IncomingMessage, ServerResponse>>;

/** Serves a handler behind a middleware, and asks it once. */
async function through(t: TestContext, client: Client, config: Config = {}, headers: Record<string, string> = {}) {
  const errors: unknown[] = [];
  let handled = 0;
  let decision: unknown;
  const guard = middleware<IncomingMessage, ServerResponse>({
    client,
    subject: (request) => ({ type: "user", id: String(request.headers["x-user"] ?? "") }),
    action: () => ({ name: "manage" }),
    resource: (request) => ({ type: "product", id: request.url?.slice(1) ?? "" }),
    onError: (error) => errors.push(error),
    ...config,
  });
  const url = await serve(t, (request, response) => {
    void guard(request, response, () => {
      handled++;
      decision = decisionOf(request);
      response.end("restarted");
    });
  });
  const response = await fetch(`${url}/web-1`, { headers: { "X-User": "carol", ...headers } });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text.startsWith("{") ? JSON.parse(text) : text, handled, decision, errors };
}

test("a request is handled on a yes, with its decision", async (t) => {
  const { client, sent } = on(() => json(yes, { "Cordon-Decision-Id": "d1" }));
  const got = await through(t, client, {}, { "Accept-Language": "fr" });
  assert.deepEqual([got.status, got.body, got.handled, (got.decision as { id: string }).id], [200, "restarted", 1, "d1"]);
  assert.deepEqual(sent[0]?.body, { subject: { type: "user", id: "carol" }, action: { name: "manage" }, resource: { type: "product", id: "web-1" } });
  assert.equal(sent[0]?.headers.get("Accept-Language"), "fr");
});

test("a no is answered with its reasons, in their language", async (t) => {
  const reasons = [{ code: "not_granted", message: "Pas accordé." }];
  const { client } = on(() => json({ decision: false, context: { reasons } }, { "Cordon-Decision-Id": "d2", "Content-Language": "fr" }));
  const got = await through(t, client);
  assert.deepEqual([got.status, got.handled], [403, 0]);
  assert.deepEqual(got.body, { type: "about:blank", title: "Forbidden", status: 403, detail: "Pas accordé.", code: "denied", reasons, decision_id: "d2" });
  assert.deepEqual(
    ["Content-Type", "Content-Language", "Vary", "Cache-Control"].map((name) => got.headers.get(name)),
    ["application/problem+json", "fr", "Accept-Language", "no-store"],
  );
});

test("nobody is asked where it is not said who, what or to what", async (t) => {
  for (const [config, status] of [
    [{ subject: () => undefined }, 401],
    [{ subject: () => ({ type: "user", id: "" }) }, 401],
    [{ action: () => undefined }, 403],
    [{ action: () => ({ name: "" }) }, 403],
    [{ resource: async () => ({ type: "product", id: "" }) }, 403],
  ] as [Config, number][]) {
    const { client, sent } = on(() => yes);
    const got = await through(t, client, config);
    assert.deepEqual([got.status, got.handled, sent.length], [status, 0, 0]);
  }
});

test("where there is no answer nothing passes", async (t) => {
  const boom = () => {
    throw new Error("boom");
  };
  for (const [reply, config, status] of [
    [() => problem(503, "unavailable"), {}, 503],
    [() => new TypeError("fetch failed"), {}, 503],
    [() => problem(401, "unauthenticated"), {}, 503],
    [() => json({}), {}, 503],
    [() => json({ decision: false, context: { reasons: [{ code: "unknown_action", message: "" }] } }), {}, 500],
    [() => yes, { subject: boom }, 500],
    [() => yes, { action: () => Promise.reject(new Error("boom")) }, 500],
    [() => yes, { resource: boom }, 500],
    [() => yes, { skip: boom }, 500],
    [() => yes, { language: boom }, 500],
  ] as [() => unknown, Config, number][]) {
    const { client } = on(reply);
    const got = await through(t, client, config);
    assert.deepEqual([got.status, got.handled, got.errors.length], [status, 0, 1]);
    assert.equal(got.headers.get("Retry-After"), status === 503 ? "1" : null);
  }
});

test("skip lets a request pass unasked, where it is true and not only something", async (t) => {
  for (const [said, asked] of [[true, 0], [false, 1], [undefined, 1], ["yes", 1], [1, 1]] as const) {
    const { client, sent } = on(() => yes);
    const got = await through(t, client, { skip: async () => said as boolean });
    assert.deepEqual([got.status, sent.length], [200, asked]);
  }
});

test("language says in which the reasons are told", async (t) => {
  const { client, sent } = on(() => yes);
  await through(t, client, { language: () => "de" }, { "Accept-Language": "fr" });
  await through(t, client.in("it"), { language: () => undefined }, { "Accept-Language": "fr" });
  assert.deepEqual(sent.map((s) => s.headers.get("Accept-Language")), ["de", "it"]);
});

test("onDeny answers instead, whatever the reason", async (t) => {
  for (const [reply, config, want] of [
    [() => json({ decision: false }), {}, 403],
    [() => problem(503, "unavailable"), {}, 503],
    [() => yes, { subject: () => undefined }, 401],
  ] as [() => unknown, Config, number][]) {
    const denials: Denial[] = [];
    const onDeny: Config["onDeny"] = (denial, _, response) => {
      denials.push(denial);
      response.writeHead(302, { Location: "/sign-in" }).end();
    };
    const { client } = on(reply);
    const guard = middleware<IncomingMessage, ServerResponse>({ client, subject: () => ({ type: "user", id: "c" }), action: () => ({ name: "m" }), resource: () => ({ type: "product", id: "w" }), ...config, onDeny });
    const url = await serve(t, (request, response) => void guard(request, response, () => response.end()));
    const response = await fetch(url, { redirect: "manual" });
    assert.deepEqual([response.status, denials.map((d) => d.status)], [302, [want]]);
  }
});

test("an onDeny that fails does not let the request pass", async (t) => {
  const { client } = on(() => json({ decision: false }));
  const got = await through(t, client, { onDeny: () => Promise.reject(new Error("no template")) });
  assert.deepEqual([got.status, got.handled, got.errors.length], [403, 0, 1]);
});

test("an onDeny that says no status answers with that of the denial", async (t) => {
  for (const [reply, status] of [[() => json({ decision: false }), 403], [() => problem(503, "unavailable"), 503]] as const) {
    const got = await through(t, on(reply).client, { onDeny: (_, __, response) => void response.end("mine") });
    assert.deepEqual([got.status, got.body, got.handled], [status, "mine", 0]);
  }
});

test("who went away is not decided about any more", async (t) => {
  const left = new AbortController();
  let ended: unknown;
  const { client } = on(() => {
    left.abort();
    return new Promise(() => undefined);
  }, { budget: 60_000 });
  const guard = middleware<IncomingMessage, ServerResponse>({ client, subject: () => ({ type: "user", id: "c" }), action: () => ({ name: "m" }), resource: () => ({ type: "product", id: "w" }) });
  const done = new Promise<void>((resolve) => {
    void serve(t, (request, response) => {
      guard(request, response, () => assert.fail("it was handled")).then(() => {
        ended = response.writableEnded;
        resolve();
      });
    }).then((url) => fetch(url, { signal: left.signal }).catch(() => undefined));
  });
  await done;
  assert.equal(ended, false);
});

test("a config that lacks something is refused when it is made", () => {
  assert.throws(() => middleware({} as never), TypeError);
  assert.ok(CordonError);
});
