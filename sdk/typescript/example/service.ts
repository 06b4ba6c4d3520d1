// A service that asks before it acts, as one that uses the package is written. The tests install the package into a project
// of its own, hold this against its types, and run it.
import { createServer } from "node:http";

import { Action, type Batch, Client, CordonError, type Decision, middleware, Reason, verifyWebhook } from "cordon-sdk";
import { Fake } from "cordon-sdk/fake";

const fake = new Fake().allow("carol", Action.manage, "web-1");
const cordon: Client = fake.client();

const allowed: boolean = await cordon.can("carol", "manage", "web-1");
const some: string[] = await cordon.filter("carol", "manage", ["web-1", "web-2"]);
const batch: Batch = { subject: { type: "user", id: "carol" }, evaluations: [{ action: { name: "view" }, resource: { type: "product", id: "web-1" } }] };
const decisions: Decision[] = await cordon.decideAll(batch);
for await (const product of cordon.searchResources({ subject: { type: "user", id: "carol" }, action: { name: "manage" }, resource: { type: "product" } })) {
  some.push(product.id);
}
try {
  await cordon.as("dave").blockProduct("acme", "web-1", { reason: "unpaid" });
} catch (error) {
  if (!(error instanceof CordonError) || error.kind !== "denied") {
    throw error;
  }
  some.push(error.reasons[0]?.code === Reason.notGranted ? "denied" : "?");
}

const guard = middleware({
  client: cordon,
  subject: (request) => ({ type: "user", id: String(request.headers["x-user"] ?? "") }),
  action: () => ({ name: Action.manage }),
  resource: () => ({ type: "product", id: "web-1" }),
});
const server = createServer((request, response) => {
  void guard(request, response, () => response.end("done"));
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = server.address();
const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
const statuses = [];
for (const user of ["carol", "dave", ""]) {
  statuses.push((await fetch(url, { headers: { "X-User": user } })).status);
}
server.close();
server.closeAllConnections();
const forged = await verifyWebhook("whsec_c2VjcmV0", {}, "{}").then(
  () => "taken",
  (error: Error) => error.name,
);

// What is wrong is told by the types.
const wrong = () => {
  // @ts-expect-error: a client needs a URL
  new Client({ key: "ck_..." });
  // @ts-expect-error: a block needs a reason
  void cordon.blockProduct("acme", "web-1", {});
  // @ts-expect-error: a question is about something
  void cordon.can("carol", "manage");
  // @ts-expect-error: there is no such semantic
  void cordon.decideAll({ options: { evaluations_semantic: "guess" } });
  // @ts-expect-error: how a client is derived is its own
  new Client({ url: "https://cordon.test", key: "ck_..." }, undefined);
};
void wrong;

console.log(JSON.stringify({ allowed, some, decided: decisions.map((d) => d.allowed), statuses, forged }));
