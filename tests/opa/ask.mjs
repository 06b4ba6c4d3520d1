// Asks a server with the client that OPA's own project publishes, and prints an answer a line.
import { OPAClient } from "@open-policy-agent/opa";

const opa = new OPAClient(process.env.CORDON_URL, { headers: { Authorization: `Bearer ${process.env.CORDON_KEY}` } });
const question = (user, product) => ({
  subject: { type: "user", id: user },
  action: { name: "manage" },
  resource: { type: "product", id: product },
});
const note = (user, id) => ({ subject: { type: "user", id: user }, action: { name: "read" }, resource: { type: "note", id } });

async function tell(name, ask) {
  try {
    const answer = await ask();
    console.log(JSON.stringify({ name, answer, undefined: answer === undefined }));
  } catch (error) {
    console.log(JSON.stringify({ name, error: error.constructor.name, message: error.message }));
  }
}

await tell("allowed", () => opa.evaluate("cordon/allow", question("anna", "shop")));
await tell("denied", () => opa.evaluate("cordon/allow", question("clio", "shop")));
await tell("decision", () => opa.evaluate("cordon/decision", question("clio", "shop"), { fromResult: (r) => r.reasons.map((x) => x.code) }));
await tell("package", () => opa.evaluate("cordon", question("anna", "shop"), { fromResult: (r) => r.allow }));
await tell("set", () => opa.evaluate("authzen/notes/allow", note("ann", "n1")));
await tell("set, undefined", () => opa.evaluate("authzen/notes/allow", note("ann", "n2")));
await tell("no such document", () => opa.evaluate("cordon/alow", question("anna", "shop")));
await tell("no such package", () => opa.evaluate("authz/allow", question("anna", "shop")));
await tell("no input", () => opa.evaluate("cordon/allow"));
await tell("no question", () => opa.evaluate("cordon/allow", { user: "anna" }));
await tell("batch", () => opa.evaluateBatch("cordon/allow", { one: question("anna", "shop"), two: question("clio", "shop") }, { fallback: true }));
