// Batches and searches with types that openapi-typescript makes of server/openapi.yaml, and nothing of the SDK: whoever
// generates a client of their own gets this far without changing the document. tests/sdk generates, compiles and runs it.
import createClient from "openapi-fetch";

import type { components, paths } from "./api.js";

type Schemas = components["schemas"];

const { CORDON_URL = "", CORDON_KEY = "" } = process.env;
const cordon = createClient<paths>({ baseUrl: CORDON_URL, headers: { Authorization: `Bearer ${CORDON_KEY}` } });

const subject: Schemas["Subject"] = { type: "user", id: "carl" };
const manage: Schemas["Action"] = { name: "manage" };
const product = (id: string): Schemas["Resource"] => ({ type: "product", id });

const { data: one } = await cordon.POST("/access/v1/evaluation", {
  params: { header: { "Cordon-Explain": "user", "Accept-Language": "fr" } },
  body: { subject, action: manage, resource: product("site") },
});
const code: Schemas["ReasonCode"] | undefined = one?.context?.reasons?.[0]?.code;
const inGerman: string | undefined = one?.context?.reason_user?.de;

const { data: many } = await cordon.POST("/access/v1/evaluations", {
  body: {
    subject,
    action: manage,
    options: { evaluations_semantic: "execute_all" },
    evaluations: [
      { resource: product("shop") },
      { resource: product("site") },
      { action: { name: "read_mail", properties: { channel: "imap" } }, resource: product("mail") },
      { resource: { type: "user", id: "cleo", properties: { organization: "acme" } }, action: { name: "change_profile" } },
    ],
  },
});
const batch: boolean[] = many && "evaluations" in many ? many.evaluations.map((item) => item.decision) : [];

const found: string[] = [];
for (let token: string | undefined; token !== ""; ) {
  const { data, error } = await cordon.POST("/access/v1/search/resource", {
    body: { subject, action: manage, resource: { type: "product" }, page: token === undefined ? { limit: 1 } : { token, limit: 1 } },
  });
  if (!data) {
    throw new Error(error.detail);
  }
  found.push(...data.results.map((entity) => entity.id));
  token = data.page.next_token;
}
const { data: who } = await cordon.POST("/access/v1/search/subject", { body: { subject: { type: "user" }, action: manage, resource: product("shop") } });
const { data: what } = await cordon.POST("/access/v1/search/action", { body: { subject, resource: product("shop") } });

const { error: denied, response } = await cordon.POST("/v1/organizations/{organization}/products/{product}/block", {
  params: { path: { organization: "acme", product: "shop" }, header: { "Cordon-Actor": "carl" } },
  body: { reason: "unpaid" },
});
const problem: Schemas["ProblemCode"] | undefined = denied?.code;

const { data: gates } = await cordon.GET("/v1/policies/{set}", { params: { path: { set: "cordon" } } });

console.log(
  JSON.stringify({
    code,
    german: inGerman !== undefined,
    batch,
    found,
    who: who?.results.map((entity) => entity.id),
    manages: what?.results.some((action) => action.name === "manage"),
    problem,
    status: response.status,
    reasons: denied?.reasons?.map((reason) => reason.code),
    coverage: gates?.gates.coverage,
  }),
);
