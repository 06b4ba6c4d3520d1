import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { verifyWebhook, WebhookError } from "../src/index.js";

const now = 1_700_000_000_000;
const key = Buffer.from("a secret of two dozen b.");
const secret = `whsec_${key.toString("base64")}`;
const event = { type: "product.blocked", timestamp: "2026-01-01T00:00:00Z", data: { id: "e1", type: "product.blocked", organization: "acme", product: "web-1", reason: "été" } };
const body = JSON.stringify(event);

function sign(text: string | Buffer, with_ = key, id = "msg_1", at = now): Record<string, string> {
  const timestamp = String(Math.floor(at / 1_000));
  const mac = createHmac("sha256", with_).update(`${id}.${timestamp}.`).update(text).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${mac}` };
}

test("a message that was signed with the secret is given, with what it says", async () => {
  const message = { id: "msg_1", ...event };
  assert.deepEqual(await verifyWebhook(secret, sign(body), body, { now }), message);
  assert.deepEqual(await verifyWebhook(secret, new Headers(sign(body)), new TextEncoder().encode(body), { now }), message);
  assert.deepEqual(await verifyWebhook([`whsec_${btoa("the old secret, or the new")}`, secret], sign(body), body, { now }), message);
  const shouting = Object.fromEntries(Object.entries(sign(body)).map(([name, value]) => [name.toUpperCase(), [value]]));
  assert.equal((await verifyWebhook(secret, shouting, body, { now })).data.product, "web-1");
});

test("one signature that fits is enough, among those of other keys and versions", async () => {
  const headers = sign(body);
  const other = sign(body, Buffer.from("the old secret"))["webhook-signature"];
  headers["webhook-signature"] = `v1a,xyz ${other} v1,### ${headers["webhook-signature"]}`;
  assert.equal((await verifyWebhook(secret, headers, body, { now })).type, "product.blocked");
});

const signed = sign(body);
const refused: [string, Record<string, string | string[]>, string, number?][] = [
  ["another body", signed, body.replace("web-1", "web-2")],
  ["the same in other bytes", signed, JSON.stringify(event, null, 1)],
  ["another key", sign(body, Buffer.from("another secret")), body],
  ["another id", { ...signed, "webhook-id": "msg_2" }, body],
  ["another time", { ...signed, "webhook-timestamp": String(now / 1_000 - 1) }, body],
  ["an old message", sign(body, key, "msg_1", now - 301_000), body],
  ["one from the future", sign(body, key, "msg_1", now + 301_000), body],
  ["no signature", { ...signed, "webhook-signature": "" }, body],
  ["a signature of another version", { ...signed, "webhook-signature": signed["webhook-signature"]!.replace("v1,", "v2,") }, body],
  ["an empty signature", { ...signed, "webhook-signature": "v1," }, body],
  ["a part of the signature", { ...signed, "webhook-signature": signed["webhook-signature"]!.slice(0, 20) }, body],
  ["a time that is none", { ...signed, "webhook-timestamp": "now" }, body],
  ["a time with a sign", { ...signed, "webhook-timestamp": "-1" }, body],
  ["two ids", { ...signed, "webhook-id": ["msg_1", "msg_1"] }, body],
  ["no JSON", sign("{"), "{"],
  ["no event", sign("[]"), "[]"],
  ["no event in it", sign('{"type":"x"}'), '{"type":"x"}'],
  ["a clock that cannot be read", signed, body, Number.NaN],
];
for (const [name, headers, text, at] of refused) {
  test(`${name} is refused`, async () => {
    await assert.rejects(verifyWebhook(secret, headers, text, { now: at ?? now }), WebhookError);
  });
}

test("a secret that is none is a mistake of the caller's", async () => {
  for (const wrong of ["", "whsec_", "whsec_###"]) {
    await assert.rejects(verifyWebhook(wrong, signed, body, { now }), TypeError);
  }
  await assert.rejects(verifyWebhook([], signed, body, { now }), WebhookError);
});
