import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { Client, CordonError, question, type Question } from "../src/index.js";
import { json, no, on, problem, yes } from "./stub.js";

test("can asks one question, and is what the decision says", async () => {
  const { client, sent } = on((_, n) => (n === 1 ? yes : no));
  assert.equal(await client.can("carol", "manage", "web-1"), true);
  assert.equal(await client.can("carol", "read_mail", { type: "product", id: "mail-1", channel: "imap", organization: "acme" }), false);
  assert.deepEqual(
    sent.map((s) => [s.method, s.path, s.body]),
    [
      ["POST", "/access/v1/evaluation", { subject: { type: "user", id: "carol" }, action: { name: "manage" }, resource: { type: "product", id: "web-1" } }],
      [
        "POST",
        "/access/v1/evaluation",
        {
          subject: { type: "user", id: "carol" },
          action: { name: "read_mail", properties: { channel: "imap" } },
          resource: { type: "product", id: "mail-1", properties: { organization: "acme" } },
        },
      ],
    ],
  );
  assert.equal(sent[0]?.headers.get("Authorization"), "Bearer ck_test");
  assert.equal(sent[0]?.headers.get("Content-Type"), "application/json");
});

test("a decision carries its reasons, its record, its policy and its revision", async () => {
  const { client } = on(() =>
    json(
      { decision: false, context: { ...no.context, reason_user: { en: "Ask Bob." }, more: 1 } },
      { "Cordon-Decision-Id": "d1", "Cordon-Policy": "sha256:p", "Cordon-Revision": "7", "Content-Language": "en" },
    ),
  );
  assert.deepEqual(await client.decide(question("carol", "manage", "web-1")), {
    allowed: false,
    reasons: [{ code: "not_granted", message: "It is not granted." }],
    reasonUser: { en: "Ask Bob." },
    context: { ...no.context, reason_user: { en: "Ask Bob." }, more: 1 },
    language: "en",
    id: "d1",
    policy: "sha256:p",
    revision: 7,
  });
});

test("an action that no rule knows is an error of can, and an answer of decide", async () => {
  const { client } = on(() => json({ decision: false, context: { reasons: [{ code: "unknown_action", message: "?" }] } }));
  await assert.rejects(client.can("carol", "mange", "web-1"), (e: CordonError) => e.kind === "unknown_action" && e.status === 200 && e.code === "unknown_action");
  assert.equal((await client.decide(question("carol", "mange", "web-1"))).reasons[0]?.code, "unknown_action");
});

// Whatever comes back that is no decision is an error: neither a yes nor a no.
const unusable: [string, () => Response | Error, string][] = [
  ["a page of welcome", () => new Response("<h1>Hello</h1>", { headers: { "Content-Type": "text/html" } }), "unusable"],
  ["JSON that is not said to be JSON", () => new Response(JSON.stringify(yes)), "unusable"],
  ["nothing", () => new Response(null, { status: 204 }), "unusable"],
  ["an empty body", () => new Response("", { headers: { "Content-Type": "application/json" } }), "unusable"],
  ["half of an answer", () => new Response('{"decision":tr', { headers: { "Content-Type": "application/json" } }), "unusable"],
  ["no decision", () => json({}), "unusable"],
  ["a word for a decision", () => json({ decision: "true" }), "unusable"],
  ["a number for a decision", () => json({ decision: 1 }), "unusable"],
  ["a decision in a list", () => json([{ decision: true }]), "unusable"],
  ["null", () => json(null), "unusable"],
  ["a decision for another member", () => json({ Decision: true }), "unusable"],
  ["a yes with an error", () => json({ decision: true, context: { error: { status: 400, message: "no" } } }), "undecided"],
  ["a yes with an error in a word", () => json({ decision: true, context: { error: "timeout" } }), "undecided"],
  ["a yes with a context of no members", () => json({ decision: true, context: "error" }), "unusable"],
  ["a yes with a list for a context", () => json({ decision: true, context: [{ error: {} }] }), "unusable"],
  ["a redirect", () => new Response(null, { status: 302, headers: { Location: "https://elsewhere.test" } }), "unusable"],
  ["a yes with the status of a failure", () => json(yes, {}, 500), "unusable"],
  ["400", () => problem(400, "invalid_body"), "invalid"],
  ["401", () => problem(401, "unauthenticated"), "unauthorized"],
  ["403 for the key", () => problem(403, "insufficient_scope"), "forbidden"],
  ["403 for the rules", () => problem(403, "denied"), "denied"],
  ["404", () => problem(404, "not_found"), "not_found"],
  ["409", () => problem(409, "already_blocked"), "conflict"],
  ["412", () => problem(412, "precondition_failed"), "precondition_failed"],
  ["429", () => problem(429, "rate_limited"), "unavailable"],
  ["503", () => problem(503, "too_stale"), "unavailable"],
  ["502 of a proxy", () => new Response("Bad Gateway", { status: 502 }), "unavailable"],
  ["a network that is down", () => new TypeError("fetch failed"), "unavailable"],
];
for (const [name, reply, kind] of unusable) {
  test(`${name} is an error and never a yes`, async () => {
    const { client } = on(reply);
    await assert.rejects(client.can("carol", "manage", "web-1"), (e: unknown) => e instanceof CordonError && e.kind === kind);
  });
}

test("an answer that is too long is not read to its end", async () => {
  let cancelled = false;
  const chunk = new Uint8Array(1024 * 1024).fill(32);
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(chunk),
    cancel: () => {
      cancelled = true;
    },
  });
  const { client } = on(() => new Response(endless, { headers: { "Content-Type": "application/json" } }), { budget: 60_000 });
  await assert.rejects(client.can("carol", "manage", "web-1"), (e: CordonError) => e.kind === "unusable");
  assert.ok(cancelled);
});

test("an error tells what the server said", async () => {
  const { client } = on(() =>
    problem(
      403,
      "denied",
      { "Content-Language": "fr", "Retry-After": "3" },
      { reasons: [{ code: "role_not_permitted", message: "Votre rôle ne le permet pas." }], decision_id: "d9" },
    ),
  );
  await assert.rejects(client.as("dave").unblockProduct("acme", "web-1", { reason: "paid" }), (e: CordonError) => {
    assert.equal(
      e.message,
      "POST /v1/organizations/acme/products/web-1/unblock: role_not_permitted: Votre rôle ne le permet pas. (denied)",
    );
    assert.deepEqual(
      [e.kind, e.status, e.code, e.decisionId, e.requestId, e.language, e.retryAfter, e.reasons.length],
      ["denied", 403, "denied", "d9", "r1", "fr", 3_000, 1],
    );
    return true;
  });
});

const some = (n: number, id = "web"): Question[] => Array.from({ length: n }, (_, i) => question("carol", "manage", `${id}-${i}`));

test("what no header can carry is an error of its own, and is not sent", async () => {
  const { client, sent } = on(() => yes);
  await assert.rejects(client.as("иван").can("carol", "manage", "web-1"), (e: CordonError) => e.kind === "invalid");
  const key = "ck_a\nb";
  const secret = new Client({ url: "https://cordon.test", key, fetch: () => assert.fail("it was sent") });
  await assert.rejects(secret.can("carol", "manage", "web-1"), (e: CordonError) => e.kind === "unauthorized" && !inspect(e).includes(key));
  assert.equal(sent.length, 0);
});

test("many questions are asked in batches of 1,000, and answered in their order", async () => {
  const { client, sent } = on((s) => ({ evaluations: s.body.evaluations.map((q: Question) => ({ decision: q.resource.id.endsWith("7") })) }));
  const questions = some(2_501);
  const allowed = await client.canAll(questions);
  assert.deepEqual(
    allowed,
    questions.map((q) => q.resource.id.endsWith("7")),
  );
  assert.deepEqual(
    sent.map((s) => s.body.evaluations.length),
    [1_000, 1_000, 501],
  );
});

test("a batch stays below what a body may be", async () => {
  const { client, sent } = on((s) => ({ evaluations: s.body.evaluations.map(() => ({ decision: true })) }));
  await client.canAll(some(900, "ü".repeat(400)));
  assert.equal(sent.flatMap((s) => s.body.evaluations).length, 900);
  for (const s of sent) {
    assert.ok(new TextEncoder().encode(JSON.stringify(s.body)).length <= 256 * 1024);
  }
  assert.ok(sent.length > 1);
});

test("filter gives those that are allowed, in their order, and says the rest once", async () => {
  const { client, sent } = on((s) => ({ evaluations: s.body.evaluations.map((q: Question) => ({ decision: q.resource.id < "c" })) }));
  assert.deepEqual(await client.filter("carol", "use", ["d", "b", "c", "a", "b"], { type: "channel", organization: "acme" }), ["b", "a", "b"]);
  assert.deepEqual(sent[0]?.body.evaluations[1], { resource: { type: "channel", id: "b", properties: { organization: "acme" } } });
  assert.deepEqual(sent[0]?.body.subject, { type: "user", id: "carol" });
});

test("without a question nothing is asked", async () => {
  const { client, sent } = on(() => yes);
  assert.deepEqual(await client.canAll([]), []);
  assert.deepEqual(await client.filter("carol", "manage", []), []);
  assert.deepEqual(await client.decideAll({ ...question("carol", "manage", "web-1"), evaluations: [] }), []);
  assert.equal(sent.length, 0);
});

test("an item that was not decided is an error of all, with its place", async () => {
  const error = { decision: false, context: { error: { status: 403, message: "of another organization" } } };
  const { client } = on(() => ({ evaluations: [yes, { ...error, decision: true }] }));
  await assert.rejects(client.canAll(some(2)), (e: CordonError) => e.kind === "undecided" && e.status === 403 && e.message.includes("question 2"));
  const decisions = await client.decideAll({ evaluations: some(2) });
  assert.deepEqual(
    decisions.map((d) => [d.allowed, d.error?.status]),
    [
      [true, undefined],
      [false, 403],
    ],
  );
});

test("answers of another number than the questions are none", async () => {
  for (const evaluations of [[], [yes], [yes, yes, yes], undefined, "yes"]) {
    const { client } = on(() => ({ evaluations }));
    await assert.rejects(client.canAll(some(2)), (e: CordonError) => e.kind === "unusable");
    await assert.rejects(client.filter("carol", "manage", ["a", "b"]), (e: CordonError) => e.kind === "unusable");
  }
  for (const [semantic, stop, cut] of [
    ["deny_on_first_deny", no, yes],
    ["permit_on_first_permit", yes, no],
  ] as const) {
    const batch = { evaluations: some(2), options: { evaluations_semantic: semantic } };
    assert.equal((await on(() => ({ evaluations: [stop] })).client.decideAll(batch)).length, 1);
    await assert.rejects(on(() => ({ evaluations: [cut] })).client.decideAll(batch), (e: CordonError) => e.kind === "unusable");
  }
});

test("what cannot be right in any run is refused when the client is made", () => {
  const key = "ck_test";
  for (const config of [
    { url: "", key },
    { url: "ftp://cordon.test", key },
    { url: "https://cordon.test?x=1", key },
    { url: "https://me:secret@cordon.test", key },
    { url: "https://cordon.test" },
    { url: "https://cordon.test", key: "" },
    { url: "https://cordon.test", key, token: () => "t" },
    { url: "https://cordon.test", key, actor: "a", agent: "b" },
    { url: "https://cordon.test", key, budget: 0 },
    { url: "https://cordon.test", key, budget: Number.NaN },
  ]) {
    assert.throws(() => new Client(config), TypeError);
  }
});

test("another policy set has its own path, and knows no revisions of organizations", async () => {
  const { client, sent } = on((s) => (s.path.includes("block") ? json({ product: {}, revision: 8 }, { "Cordon-Revision": "8" }) : { decision: true }), { url: "https://cordon.test/cordon/" });
  await client.blockProduct("acme", "web-1", { reason: "x" });
  assert.equal((await client.inSet("todo").decide(question("rick", "can_read_todos", { type: "todo", id: "1" }))).allowed, true);
  assert.equal(sent[1]?.path, "/cordon/p/todo/access/v1/evaluation");
  assert.equal(sent[1]?.headers.get("Cordon-At-Least"), null);
});
