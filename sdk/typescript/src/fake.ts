/**
 * A Cordon for tests of those who use it: a client whose server is made of what the test says. It asks nothing of the
 * network, and the client is the real one, so that errors, batches and pages are as they will be.
 *
 * @module
 */
import { Client } from "./client.js";
import type { Config } from "./config.js";
import { isObject } from "./decide.js";
import { type Batch, question, type Question, type Target } from "./question.js";
import { type ActionName, Reason, type ReasonCode } from "./words.js";

/** An act that a test's subject asked for. */
export interface FakeAct {
  actor: string;
  agent: string;
  /** `block`, `unblock`, `start-maintenance`, `end-maintenance`, `secure` or `support-codes`. */
  act: string;
  organization: string;
  /** Of the product or the user. */
  id: string;
  request: Record<string, unknown>;
}

/** A Cordon in which nothing is allowed but what is said to be. */
export class Fake {
  /** Every question that was asked, those of batches one by one. */
  readonly asked: Question[] = [];
  /** Every act that was asked for. */
  readonly acts: FakeAct[] = [];
  readonly #answers = new Map<string, { allowed: boolean; codes: ReasonCode[]; question: Question }>();
  readonly #products = new Map<string, { blocked: boolean; maintenance: boolean }>();
  #failures: { status: number; code: string; times: number }[] = [];
  #revision = 0;

  /** Allows something from now on. `"*"` for the user allows it to everybody. */
  allow(user: string, action: ActionName, target: Target): this {
    return this.#answer(user, action, target, true, [Reason.granted]);
  }

  /** Denies something from now on, for these reasons. */
  deny(user: string, action: ActionName, target: Target, ...codes: ReasonCode[]): this {
    return this.#answer(user, action, target, false, codes.length > 0 ? codes : [Reason.notGranted]);
  }

  /** Has the next requests answered with a problem; a status of 0 is a server that is not reached. */
  fail(status: number, code = "unavailable", times = Infinity): this {
    this.#failures.push({ status, code, times });
    return this;
  }

  /** Ends a failure. */
  recover(): this {
    this.#failures = [];
    return this;
  }

  /** A client of this Cordon. */
  client(config: Partial<Config> = {}): Client {
    return new Client({ url: "https://cordon.test", ...(config.token ? {} : { key: "ck_fake" }), ...config, fetch: this.fetch });
  }

  /** Answers as the server would: what `fetch` of a config may be. */
  readonly fetch: typeof fetch = async (input, init) => {
    const failure = this.#failures[0];
    if (failure) {
      if (--failure.times <= 0) {
        this.#failures.shift();
      }
      if (failure.status === 0) {
        throw new TypeError("fetch failed");
      }
      return problem(failure.status, failure.code);
    }
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init?.headers);
    const body: unknown = JSON.parse(typeof init?.body === "string" ? init.body : "{}");
    // A policy set of its own is asked under /p/NAME, and answers alike here.
    const path = url.pathname.replace(/^\/p\/[^/]+/, "").split("/").slice(1).map(decodeURIComponent);
    if (path[0] === "access" && isObject(body)) {
      return this.#access(path.slice(2), body);
    }
    if (path[0] === "v1" && path[1] === "organizations" && isObject(body)) {
      return this.#act(path, body, headers, url.searchParams.get("preview") === "true");
    }
    return problem(404, "not_found");
  };

  #answer(user: string, action: ActionName, target: Target, allowed: boolean, codes: ReasonCode[]): this {
    const said = question(user, action, target);
    this.#answers.set(name(said), { allowed, codes, question: said });
    return this;
  }

  #decide(asked: Question): { decision: boolean; context: { reasons: { code: ReasonCode; message: string }[] } } {
    const everybody = { ...asked, subject: { ...asked.subject, id: "*" } };
    const said = this.#answers.get(name(asked)) ?? this.#answers.get(name(everybody));
    const codes = said?.codes ?? [Reason.notGranted];
    return { decision: said?.allowed ?? false, context: { reasons: codes.map((code) => ({ code, message: `as the test says: ${code}` })) } };
  }

  #access(path: string[], body: Record<string, unknown>): Response {
    const id = { "Cordon-Decision-Id": `decision-${this.asked.length + 1}`, "Cordon-Revision": String(this.#revision) };
    if (path[0] === "evaluation") {
      const asked = body as unknown as Question;
      this.asked.push(asked);
      return json(this.#decide(asked), id);
    }
    if (path[0] === "evaluations") {
      const batch = body as Batch;
      const evaluations = [];
      for (const item of batch.evaluations ?? []) {
        const { evaluations: _, options, ...common } = batch;
        const asked = { ...common, ...item } as Question;
        this.asked.push(asked);
        const decided = this.#decide(asked);
        evaluations.push(decided);
        const ends = { deny_on_first_deny: false, permit_on_first_permit: true, execute_all: undefined }[options?.evaluations_semantic ?? "execute_all"];
        if (decided.decision === ends) {
          break;
        }
      }
      return json({ evaluations }, { "Cordon-Batch-Id": id["Cordon-Decision-Id"] });
    }
    return path[0] === "search" ? json(this.#search(path[1] ?? "", body)) : problem(404, "not_found");
  }

  #search(what: string, body: Record<string, unknown>): unknown {
    const found = new Map<string, object>();
    for (const { question: said } of this.#answers.values()) {
      const asked = { ...said, ...(body as Partial<Question>) };
      const one = what === "action" ? said.action : what === "resource" ? said.resource : said.subject;
      const type = what === "action" ? undefined : (body[what] as { type?: string } | undefined)?.type;
      const candidate = { ...asked, [what]: one } as Question;
      if ((type === undefined || ("type" in one && one.type === type)) && !("id" in one && one.id === "*") && this.#decide(candidate).decision) {
        const result = "name" in one ? { name: one.name } : { type: one.type, id: one.id };
        found.set(JSON.stringify(result), result);
      }
    }
    const { page } = body as { page?: { token?: string; limit?: number } };
    const from = Number(page?.token ?? 0);
    const results = [...found.values()].slice(from, from + (page?.limit ?? 50));
    const next = from + results.length;
    return { page: { next_token: next < found.size ? String(next) : "", count: results.length }, results };
  }

  #act(path: string[], request: Record<string, unknown>, headers: Headers, preview: boolean): Response {
    const [, , organization = "", of = "", id = "", verb] = path;
    const act = verb ?? of;
    const actor = headers.get("Cordon-Actor") ?? "";
    const agent = headers.get("Cordon-Agent") ?? "";
    if (!preview) {
      this.acts.push({ actor, agent, act, organization, id: verb === undefined ? "" : id, request });
    }
    const ids = { "Cordon-Decision-Id": `act-${this.acts.length}` };
    if (of === "support-codes") {
      return json({ code: `code-${this.acts.length}`, expires_at: "2030-01-01T00:00:00Z" }, ids, 201);
    }
    const target = of === "products" ? id : { type: "user", id, organization };
    const decided = this.#decide(question(actor || agent, act.replace("-", "_"), target));
    // The host is bound by no rule of roles.
    if ((actor || agent) && !decided.decision) {
      return problem(403, "denied", { reasons: decided.context.reasons, decision_id: ids["Cordon-Decision-Id"] });
    }
    if (preview) {
      return json({ losses: [], mailed: [], unblockers: [], decision_id: ids["Cordon-Decision-Id"] });
    }
    const state = this.#products.get(`${of}/${organization}/${id}`) ?? { blocked: false, maintenance: false };
    const member = act.endsWith("maintenance") ? "maintenance" : "blocked";
    const to = act === "block" || act === "start-maintenance";
    if (act !== "secure") {
      if (state[member] === to) {
        const already = { blocked: to ? "already_blocked" : "not_blocked", maintenance: to ? "already_in_maintenance" : "not_in_maintenance" };
        return problem(409, already[member]);
      }
      state[member] = to;
      this.#products.set(`${of}/${organization}/${id}`, state);
    }
    const revision = ++this.#revision;
    const common = { id, organization, name: id, blocked: state.blocked, blocks: [], revision };
    const object =
      of === "products"
        ? { product: { ...common, kind: "web_hosting", maintenance: state.maintenance } }
        : { user: { ...common, email: `${id}@cordon.test`, role: "client", grants: [], notify: { product_events: true } } };
    return json({ ...object, decision_id: ids["Cordon-Decision-Id"], revision }, { ...ids, "Cordon-Revision": String(revision) });
  }
}

/** What a question is found by. */
function name({ subject, action, resource }: Question): string {
  return JSON.stringify([subject?.id, action?.name, action?.properties?.["channel"] ?? "", resource?.type, resource?.id]);
}

function json(body: unknown, headers: Record<string, string> = {}, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", "Cordon-Policy": "sha256:fake", ...headers } });
}

function problem(status: number, code: string, more: Record<string, unknown> = {}): Response {
  const body = { type: "about:blank", title: code, status, detail: `as the test says: ${code}`, code, request_id: "fake", ...more };
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/problem+json" } });
}
