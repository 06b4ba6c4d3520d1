import assert from "node:assert/strict";
import { test } from "node:test";

import { Fake } from "../src/fake.js";
import { CordonError, question } from "../src/index.js";

test("a fake allows what it was told to, and nothing else", async () => {
  const fake = new Fake().allow("carol", "manage", "web-1").allow("*", "view", "web-1").deny("dave", "view", "web-1", "user_blocked");
  const cordon = fake.client();
  assert.equal(await cordon.can("carol", "manage", "web-1"), true);
  assert.equal(await cordon.can("carol", "manage", "web-2"), false);
  assert.equal(await cordon.can("erin", "view", "web-1"), true);
  assert.equal((await cordon.decide(question("dave", "view", "web-1"))).reasons[0]?.code, "user_blocked");
  assert.deepEqual(await cordon.filter("carol", "manage", ["web-2", "web-1"]), ["web-1"]);
  assert.deepEqual(fake.asked.map((q) => q.resource.id), ["web-1", "web-2", "web-1", "web-1", "web-2", "web-1"]);
});

test("a policy set of its own is asked of a fake, too", async () => {
  const cordon = new Fake().allow("rick", "can_read_todos", { type: "todo", id: "1" }).client().inSet("todo");
  assert.equal(await cordon.can("rick", "can_read_todos", { type: "todo", id: "1" }), true);
});

test("a fake ends a batch where its semantic says so", async () => {
  const evaluations = [{ resource: { type: "product", id: "a" } }, { resource: { type: "product", id: "b" } }, { resource: { type: "product", id: "c" } }];
  const common = { subject: { type: "user", id: "carol" }, action: { name: "view" }, evaluations };
  const cordon = new Fake().allow("carol", "view", "a").client();
  const ask = async (evaluations_semantic: "deny_on_first_deny" | "permit_on_first_permit" | "execute_all") =>
    (await cordon.decideAll({ ...common, options: { evaluations_semantic } })).map((d) => d.allowed);
  assert.deepEqual(await ask("deny_on_first_deny"), [true, false]);
  assert.deepEqual(await ask("permit_on_first_permit"), [true]);
  assert.deepEqual(await ask("execute_all"), [true, false, false]);
});

test("a fake finds what it allows, page by page", async () => {
  const fake = new Fake().allow("*", "view", "web-9");
  for (let i = 0; i < 5; i++) {
    fake.allow("carol", "manage", `web-${i}`).allow(`user-${i}`, "manage", "web-1");
  }
  const ids: string[] = [];
  for await (const one of fake.client().searchResources({ subject: { type: "user", id: "carol" }, action: { name: "manage" }, resource: { type: "product" } }, { pageSize: 2 })) {
    ids.push(one.id);
  }
  assert.deepEqual(ids, ["web-0", "web-1", "web-2", "web-3", "web-4"]);
  const subjects: string[] = [];
  for await (const one of fake.client().searchSubjects({ subject: { type: "user" }, action: { name: "manage" }, resource: { type: "product", id: "web-1" } })) {
    subjects.push(one.id);
  }
  assert.deepEqual(subjects, ["carol", "user-0", "user-1", "user-2", "user-3", "user-4"]);
  const actions: string[] = [];
  for await (const one of fake.client().searchActions({ subject: { type: "user", id: "carol" }, resource: { type: "product", id: "web-9" } })) {
    actions.push(one.name);
  }
  assert.deepEqual(actions, ["view"]);
});

test("acts on a fake are decided, remembered and carried out", async () => {
  const fake = new Fake().allow("bob", "block", "web-1").allow("sam", "block", { type: "user", id: "carol", organization: "acme" });
  const bob = fake.client().as("bob");
  const answer = await bob.blockProduct("acme", "web-1", { reason: "unpaid", ticket: "T-1" });
  assert.deepEqual([answer.product.blocked, answer.revision], [true, 1]);
  await assert.rejects(bob.blockProduct("acme", "web-1", { reason: "unpaid" }), (e: CordonError) => e.code === "already_blocked");
  await assert.rejects(bob.unblockProduct("acme", "web-1", { reason: "paid" }), (e: CordonError) => e.kind === "denied");
  assert.equal((await fake.client().unblockProduct("acme", "web-1", { reason: "the host's" })).product.blocked, false);
  const { code } = await bob.createSupportCode("acme");
  assert.equal((await fake.client().asAgent("sam").blockUser("acme", "carol", { justification: "a leak of keys", supportCode: code })).user.blocked, true);
  assert.deepEqual((await bob.previewBlockProduct("acme", "web-1")).losses, []);
  assert.deepEqual(fake.acts[0], { actor: "bob", agent: "", act: "block", organization: "acme", id: "web-1", request: { reason: "unpaid", ticket: "T-1" } });
  assert.deepEqual(fake.acts.at(-1)?.request["support_code"], code);
});

test("a fake fails as it is told, and recovers", async () => {
  const fake = new Fake().allow("carol", "manage", "web-1").fail(503, "unavailable", 1);
  const cordon = fake.client();
  assert.equal(await cordon.can("carol", "manage", "web-1"), true); // the second try
  fake.fail(0);
  await assert.rejects(cordon.can("carol", "manage", "web-1"), (e: CordonError) => e.kind === "unavailable");
  fake.recover();
  assert.equal(await cordon.can("carol", "manage", "web-1"), true);
});
