import assert from "node:assert/strict";
import { test } from "node:test";

import { CordonError, question } from "../src/index.js";
import { Revisions } from "../src/revision.js";
import { json, no, on, problem, type Sent, yes } from "./stub.js";

const product = {
  id: "web-1",
  organization: "acme",
  name: "Site",
  kind: "web_hosting",
  blocked: true,
  maintenance: false,
  blocks: [{ origin: "administrator", reason: "unpaid", by: "bob", since: "2026-01-01T00:00:00Z", expires_at: "2026-02-01T00:00:00Z" }],
  revision: 8,
};
const user = { id: "carol", organization: "acme", name: "Carol", email: "c@acme.example", role: "client", grants: [], notify: { product_events: true }, blocked: true, blocks: [], revision: 8 };
const done = (revision = 8) => json({ product, user, decision_id: "d1", revision }, { "Cordon-Revision": String(revision) });
const reply = (s: Sent) => (s.path.startsWith("/access") ? json(yes) : s.path.includes("support-codes") ? json({ code: "1", expires_at: "x" }, {}, 201) : done());
const ask = question("carol", "manage", "web-1");

test("an act goes to its path, with the names of the API", async () => {
  const { client, sent } = on(reply);
  const bob = client.as("bob");
  const answer = await bob.blockProduct("acme", "web-1", { reason: "unpaid", ticket: "T-1", expiresAt: new Date("2026-02-01T00:00:00Z") });
  await bob.unblockProduct("acme", "web-1", { reason: "paid" });
  await bob.startMaintenance("acme", "mail-1", { reason: "a disk" });
  await bob.endMaintenance("acme", "mail-1", { reason: "done" });
  await bob.createSupportCode("acme");
  const sam = client.asAgent("sam");
  await sam.blockUser("acme", "a/b", { justification: "a leak of keys", supportCode: "1", channels: ["imap"] });
  await sam.unblockUser("acme", "carol", { justification: "it is over", supportCode: "1" });
  await sam.secureUser("acme", "carol", { justification: "to be safe" });
  assert.deepEqual(
    sent.map((s) => [s.path.replace("/v1/organizations/acme/", ""), s.body, s.headers.get("Cordon-Actor") ?? s.headers.get("Cordon-Agent")]),
    [
      ["products/web-1/block", { reason: "unpaid", ticket: "T-1", expires_at: "2026-02-01T00:00:00.000Z" }, "bob"],
      ["products/web-1/unblock", { reason: "paid" }, "bob"],
      ["products/mail-1/start-maintenance", { reason: "a disk" }, "bob"],
      ["products/mail-1/end-maintenance", { reason: "done" }, "bob"],
      ["support-codes", {}, "bob"],
      ["users/a%2Fb/block", { justification: "a leak of keys", support_code: "1", channels: ["imap"] }, "sam"],
      ["users/carol/unblock", { justification: "it is over", support_code: "1" }, "sam"],
      ["users/carol/secure", { justification: "to be safe" }, "sam"],
    ],
  );
  assert.equal(answer.product.blocks[0]?.expiresAt, "2026-02-01T00:00:00Z");
  assert.deepEqual([answer.decisionId, answer.revision, answer.product.maintenance], ["d1", 8, false]);
  assert.equal(new Set(sent.map((s) => s.headers.get("Idempotency-Key"))).size, sent.length);
});

test("an act whose answer was lost is repeated with the same key", async () => {
  const { client, sent } = on((_, n) => (n === 1 ? new TypeError("fetch failed") : done()));
  await client.blockProduct("acme", "web-1", { reason: "unpaid" });
  const [first, second] = sent.map((s) => s.headers.get("Idempotency-Key"));
  assert.equal(sent.length, 2);
  assert.ok(first && first.length >= 20 && first === second);
});

test("an act that the rules deny, or that conflicts, is an error with its code", async () => {
  const denied = on(() => problem(403, "denied", {}, { reasons: [{ code: "role_not_permitted", message: "No." }] }));
  await assert.rejects(denied.client.as("dave").blockProduct("acme", "web-1", { reason: "x" }), (e: CordonError) => e.kind === "denied" && e.reasons[0]?.code === "role_not_permitted");
  const conflict = on(() => problem(409, "already_blocked"));
  await assert.rejects(conflict.client.blockProduct("acme", "web-1", { reason: "x" }), (e: CordonError) => e.kind === "conflict" && e.code === "already_blocked");
  assert.equal(conflict.sent.length, 1);
});

test("an id that would name another thing is not sent", async () => {
  const { client, sent } = on(reply);
  for (const id of ["", ".", ".."]) {
    await assert.rejects(client.blockProduct("acme", id, { reason: "x" }), (e: CordonError) => e.kind === "invalid");
    await assert.rejects(client.blockProduct(id, "web-1", { reason: "x" }), (e: CordonError) => e.kind === "invalid");
  }
  assert.equal(sent.length, 0);
});

test("an answer of success without what was asked for is an error", async () => {
  for (const body of [{}, [], null, { revision: 8 }, { product }]) {
    const { client } = on(() => json(body));
    await assert.rejects(client.blockProduct("acme", "web-1", { reason: "x" }), (e: CordonError) => e.kind === "unusable");
  }
});

test("a preview does nothing, and has no key of a change", async () => {
  const { client, sent } = on(() => json({ losses: [{ user: "carol", type: "product", resources: ["web-1"], actions: ["manage"] }], mailed: ["bob"], unblockers: ["bob"], decision_id: "d2" }));
  assert.deepEqual((await client.as("bob").previewBlockProduct("acme", "web-1")).mailed, ["bob"]);
  await client.previewStartMaintenance("acme", "mail-1");
  await client.previewBlockUser("acme", "carol", { channels: ["imap"] });
  assert.deepEqual(sent.map((s) => s.path.replace("/v1/organizations/acme/", "")), ["products/web-1/block?preview=true", "products/mail-1/start-maintenance?preview=true", "users/carol/block?preview=true"]);
  assert.ok(sent.every((s) => !s.headers.has("Idempotency-Key")));
});

test("what this client changed it then sees, and so do those that are derived from it", async () => {
  const { client, sent } = on(reply);
  await client.decide(ask);
  await client.as("bob").blockProduct("acme", "web-1", { reason: "unpaid" });
  await client.decide(ask);
  await client.in("fr").explain("user").canAll([ask]).catch(() => undefined);
  await on(reply).client.decide(ask); // another client changed nothing
  assert.deepEqual(
    sent.filter((s) => s.path.startsWith("/access")).map((s) => s.headers.get("Cordon-At-Least")),
    [null, "acme=8", "acme=8"],
  );
});

test("a denied act, a conflict and a preview are no changes", async () => {
  for (const answer of [
    () => problem(403, "denied", { "Cordon-Revision": "9" }),
    () => problem(409, "already_blocked", { "Cordon-Revision": "9" }),
  ]) {
    const { client, sent } = on((s) => (s.path.startsWith("/access") ? yes : answer()));
    await assert.rejects(client.blockProduct("acme", "web-1", { reason: "x" }), CordonError);
    await client.decide(ask);
    assert.equal(sent[1]?.headers.get("Cordon-At-Least"), null);
  }
});

test("a decision about one organization does not wait for the changes of another", async () => {
  const { client, sent } = on(reply);
  await client.blockProduct("acme", "web-1", { reason: "x" });
  await client.blockProduct("globex", "web-2", { reason: "x" });
  await client.decide(question("homer", "view", { type: "organization", id: "globex" }));
  await client.decide(question("homer", "use", { type: "channel", id: "imap", organization: "acme" }));
  await client.decide(ask); // whose the product is the server knows
  await client.atLeast("initech", 3).decide(question("homer", "view", { type: "organization", id: "globex" }));
  assert.deepEqual(
    sent.slice(2).map((s) => s.headers.get("Cordon-At-Least")),
    ["globex=8", "acme=8", "globex=8, acme=8", "initech=3, globex=8"],
  );
});

test("of a revision that is asked for by name and one that was changed the later one counts", async () => {
  const { client, sent } = on(reply);
  await client.blockProduct("acme", "web-1", { reason: "x" });
  await client.atLeast("acme", 3).decide(ask);
  await client.atLeast("acme", 30).atLeast("acme", 20).decide(ask);
  assert.deepEqual(sent.slice(1).map((s) => s.headers.get("Cordon-At-Least")), ["acme=8", "acme=30"]);
});

test("of more organizations than a request may name, the newest changes are carried, and any that is named", () => {
  const revisions = new Revisions(() => 0);
  for (let i = 1; i <= 20; i++) {
    revisions.changed(`org-${i}`, i);
  }
  revisions.changed("org-6", 60);
  const header = revisions.header(new Map([["asked", 1]]), undefined);
  assert.equal(header.split(", ").length, 16);
  assert.ok(header.startsWith("asked=1, org-6=60, org-20=20, org-19=19"));
  assert.equal(revisions.header(new Map(), new Set(["org-1", "org-99"])), "org-1=1");
});

test("a change is carried for a minute, and never back", () => {
  let now = 0;
  const revisions = new Revisions(() => now);
  revisions.changed("acme", 8);
  revisions.changed("acme", 7);
  now = 64_999;
  assert.equal(revisions.header(new Map(), undefined), "acme=8");
  now = 65_000;
  assert.equal(revisions.header(new Map(), undefined), "");
});

test("language, explanation and who acts are said where they are set, and the later one of two", async () => {
  const { client, sent } = on(() => json(no));
  await client.decide(ask);
  await client.as("bob").in("fr").explain("admin").decide(ask);
  await client.as("bob").asAgent("sam").decide(ask);
  const said = (s?: Sent) => ["Cordon-Actor", "Cordon-Agent", "Accept-Language", "Cordon-Explain"].map((name) => s?.headers.get(name));
  assert.deepEqual(sent.map(said), [
    [null, null, null, null],
    ["bob", null, "fr", "admin"],
    [null, "sam", null, null],
  ]);
});
