import assert from "node:assert/strict";
import { test } from "node:test";

import { CordonError, whatMay, whichMay, whoMay } from "../src/index.js";
import { json, on, problem } from "./stub.js";

const subject = { type: "user", id: "carol" };
const resource = { type: "product", id: "web-1" };
const action = { name: "manage" };

/** Three pages of products. */
const three = on.bind(undefined, (s) => {
  const from = Number(s.body.page?.token ?? 0);
  const results = [{ type: "product", id: `p${from}` }, { type: "product", id: `p${from + 1}` }];
  return { page: { next_token: from < 4 ? String(from + 2) : "", count: 2 }, results };
});

async function all<T>(found: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const one of found) {
    list.push(one);
  }
  return list;
}

test("a search gives what is on all pages", async () => {
  const { client, sent } = three();
  const found = await all(client.searchResources({ subject, action, resource: { type: "product", properties: { organization: "acme" } } }, { pageSize: 2 }));
  assert.deepEqual(found.map((r) => r.id), ["p0", "p1", "p2", "p3", "p4", "p5"]);
  assert.deepEqual(sent.map((s) => [s.path, s.body.page]), [
    ["/access/v1/search/resource", { limit: 2 }],
    ["/access/v1/search/resource", { limit: 2, token: "2" }],
    ["/access/v1/search/resource", { limit: 2, token: "4" }],
  ]);
  assert.deepEqual(sent[0]?.body.resource, { type: "product", properties: { organization: "acme" } });
});

test("pages that are not reached are not fetched", async () => {
  const { client, sent } = three();
  for await (const one of client.searchResources({ subject, action, resource: { type: "product" } })) {
    if (one.id === "p1") {
      break;
    }
  }
  assert.equal(sent.length, 1);
  assert.equal("page" in sent[0]!.body, false);
});

test("subjects and actions are found at their own paths", async () => {
  const { client, sent } = on((s) => ({ results: s.path.endsWith("action") ? [{ name: "view" }] : [subject] }));
  assert.deepEqual(await all(client.searchSubjects({ subject: { type: "user" }, action, resource })), [subject]);
  assert.deepEqual(await all(client.searchActions({ subject, resource })), [{ name: "view" }]);
  assert.deepEqual(sent.map((s) => s.path), ["/access/v1/search/subject", "/access/v1/search/action"]);
});

test("what is searched for is said in short", async () => {
  assert.deepEqual(whoMay("manage", "web-1"), { subject: { type: "user" }, action, resource });
  assert.deepEqual(whichMay("carol", "manage", "product"), { subject, action, resource: { type: "product" } });
  assert.deepEqual(whichMay("carol", "manage", "product", "acme").resource, { type: "product", properties: { organization: "acme" } });
  assert.deepEqual(whatMay("carol", { type: "user", id: "dave", organization: "acme" }), {
    subject,
    resource: { type: "user", id: "dave", properties: { organization: "acme" } },
  });
});

test("a page that is short, or empty, is not the last one unless it says so", async () => {
  const { client } = on((_, n) => (n < 4 ? { page: { next_token: `t${n}`, count: 0 }, results: [] } : { page: { next_token: "" }, results: [subject] }));
  assert.deepEqual(await all(client.searchSubjects({ subject: { type: "user" }, action, resource })), [subject]);
});

test("an error in the middle of a search ends it with that error, behind what was found", async () => {
  const { client } = on((_, n) => (n === 1 ? { page: { next_token: "t" }, results: [subject] } : problem(400, "invalid_body")));
  const found: unknown[] = [];
  await assert.rejects(async () => {
    for await (const one of client.searchSubjects({ subject: { type: "user" }, action, resource })) {
      found.push(one);
    }
  }, (e: CordonError) => e.kind === "invalid");
  assert.deepEqual(found, [subject]);
});

test("an answer that is no page is an error, and so is one that leads back to itself", async () => {
  for (const body of [{}, { results: null }, { results: [{ type: "user" }] }, { results: ["carol"] }, { results: [], page: { next_token: 7 } }, { results: [], page: "t1" }, { results: [], page: ["t1"] }]) {
    const { client } = on(() => json(body));
    await assert.rejects(all(client.searchSubjects({ subject: { type: "user" }, action, resource })), (e: CordonError) => e.kind === "unusable");
  }
  const { client, sent } = on(() => ({ results: [subject], page: { next_token: "same" } }));
  await assert.rejects(all(client.searchSubjects({ subject: { type: "user" }, action, resource })), (e: CordonError) => e.kind === "unusable");
  assert.equal(sent.length, 2);
});
