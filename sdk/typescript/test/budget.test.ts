import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test, type TestContext } from "node:test";

import { Client, CordonError } from "../src/index.js";
import { json, on, problem, serve, yes } from "./stub.js";

const unavailable = (e: unknown) => e instanceof CordonError && e.kind === "unavailable";
const answered = (response: ServerResponse) => {
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(yes));
};

test("a decision is tried a second time where the server cannot answer now, and not a third", async () => {
  const { client, sent } = on((_, n) => (n === 1 ? problem(503, "unavailable") : yes));
  assert.equal(await client.can("carol", "manage", "web-1"), true);
  assert.equal(sent.length, 2);
  const down = on(() => problem(503, "unavailable"));
  await assert.rejects(down.client.can("carol", "manage", "web-1"), unavailable);
  assert.equal(down.sent.length, 2);
});

test("what another try would not change is not tried again", async () => {
  for (const status of [400, 401, 403, 404, 409, 413, 415, 422, 500]) {
    const { client, sent } = on(() => problem(status, "x"));
    await assert.rejects(client.can("carol", "manage", "web-1"), CordonError);
    assert.equal(sent.length, 1, `${status}`);
  }
});

test("a server that asks for more patience than the budget has is not asked again", async () => {
  for (const [wait, tries] of [["1", 1], ["60", 1], ["0", 2], [new Date(Date.now() + 60_000).toUTCString(), 1], ["soon", 2]] as const) {
    const { client, sent } = on(() => problem(503, "unavailable", { "Retry-After": wait }), { budget: 1_000 });
    await assert.rejects(client.can("carol", "manage", "web-1"), unavailable);
    assert.equal(sent.length, tries, wait);
  }
});

/** Lets what can go on do so, and then as much time pass. */
async function pass(t: TestContext, time: number): Promise<void> {
  await new Promise(setImmediate);
  t.mock.timers.tick(time);
  await new Promise(setImmediate);
}

test("a server that takes a request and never answers it does not take the whole budget", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { client, sent } = on((_, n) => (n === 1 ? new Promise(() => undefined) : yes));
  const asked = client.can("carol", "manage", "web-1");
  await pass(t, 30_000); // half of it
  assert.equal(sent.length, 1);
  await pass(t, 100); // the longest wait before another try
  assert.equal(await asked, true);
  assert.equal(sent.length, 2);
});

test("a server that never answers is an error when the budget is over", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { client, sent } = on(() => new Promise(() => undefined));
  const asked = client.can("carol", "manage", "web-1");
  asked.catch(() => undefined);
  for (const time of [30_000, 100, 60_000]) {
    await pass(t, time);
  }
  await assert.rejects(asked, (e: CordonError) => e.kind === "unavailable" && e.status === 0 && (e.cause as DOMException).name === "TimeoutError");
  assert.equal(sent.length, 2);
});

test("the budget covers the body, of which half may be all that comes", async (t) => {
  const url = await serve(t, (_, response) => {
    response.setHeader("Content-Type", "application/json");
    response.write('{"decision":true');
  });
  await assert.rejects(new Client({ url, key: "ck_test", budget: 50 }).can("carol", "manage", "web-1"), unavailable);
});

test("a connection that breaks off in the answer is tried again", async (t) => {
  let asked = 0;
  const url = await serve(t, (_, response) => {
    asked++;
    if (asked === 1) {
      response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "1000" });
      response.write('{"decision":true}', () => response.destroy());
      return;
    }
    answered(response);
  });
  assert.equal(await new Client({ url, key: "ck_test", budget: 60_000 }).can("carol", "manage", "web-1"), true);
  assert.equal(asked, 2);
});

test("the key is not taken to where a redirect leads", async (t) => {
  let elsewhere = 0;
  const other = await serve(t, (_, response) => {
    elsewhere++;
    answered(response);
  });
  const url = await serve(t, (_, response) => response.writeHead(307, { Location: `${other}/access/v1/evaluation` }).end());
  await assert.rejects(new Client({ url, key: "ck_test", budget: 60_000 }).can("carol", "manage", "web-1"), (e: CordonError) => e.status === 307);
  assert.equal(elsewhere, 0);
});

test("a server that is not there is an error", async (t) => {
  const url = await serve(t, () => undefined);
  const client = new Client({ url: url.replace(/:\d+$/, ":1"), key: "ck_test" });
  await assert.rejects(client.can("carol", "manage", "web-1"), unavailable);
});

test("the caller ends a call with a signal of its own, whose reason it is told", async (t) => {
  const stop = new AbortController();
  const reason = new Error("enough");
  let asked = 0;
  const url = await serve(t, () => {
    asked++;
    stop.abort(reason);
  });
  const client = new Client({ url, key: "ck_test", budget: 60_000 });
  await assert.rejects(client.can("carol", "manage", "web-1", { signal: stop.signal }), (e) => e === reason);
  await assert.rejects(client.can("carol", "manage", "web-1", { signal: stop.signal }), (e) => e === reason);
  assert.equal(asked, 1);
});

test("what fails after its call has ended is nobody's concern", async () => {
  // Node ends a process for a rejection that nobody looks at, and the test runner a test.
  const stop = new AbortController();
  const { client } = on(() => {
    stop.abort();
    return Promise.reject(new Error("too late"));
  });
  await assert.rejects(client.can("carol", "manage", "web-1", { signal: stop.signal }), { name: "AbortError" });
  const late = new AbortController();
  const token = async () => {
    late.abort();
    throw new Error("too late");
  };
  await assert.rejects(on(() => yes, { token }).client.can("carol", "manage", "web-1", { signal: late.signal }), { name: "AbortError" });
  await new Promise(setImmediate);
});

test("the caller ends a call while it waits for its second try", async () => {
  const stop = new AbortController();
  const { client, sent } = on(
    () => {
      setImmediate(() => stop.abort());
      return problem(503, "unavailable", { "Retry-After": "5" });
    },
    { budget: 60_000 },
  );
  await assert.rejects(client.can("carol", "manage", "web-1", { signal: stop.signal }), { name: "AbortError" });
  assert.equal(sent.length, 1);
});

test("many calls at once leave nothing behind on a signal that they share", async () => {
  const { client } = on(() => json(yes));
  const { signal } = new AbortController();
  const added: unknown[] = [];
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...of: unknown[]) => (added.push(of[1]), add(...(of as Parameters<typeof add>)));
  signal.removeEventListener = (...of: unknown[]) => (added.splice(added.indexOf(of[1]), 1), remove(...(of as Parameters<typeof remove>)));
  await Promise.all(Array.from({ length: 100 }, () => client.can("carol", "manage", "web-1", { signal })));
  assert.equal(added.length, 0);
});
