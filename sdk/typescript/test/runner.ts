/**
 * Asks the cases of sdk/cases.json with what the package exports, as sdk/README.md says, and prints a line for each.
 */
import { readFileSync } from "node:fs";

import { type Batch, Client, CordonError, question, type Target } from "cordon-sdk";

interface Case {
  name: string;
  call: string;
  args: any;
}

const { CORDON_URL = "", CORDON_KEY = "", CORDON_CASES = "" } = process.env;
const builtIn = new Client({ url: CORDON_URL, key: CORDON_KEY });
const { cases } = JSON.parse(readFileSync(CORDON_CASES, "utf8")) as { cases: Case[] };

const productActs = {
  block_product: "blockProduct",
  unblock_product: "unblockProduct",
  start_maintenance: "startMaintenance",
  end_maintenance: "endMaintenance",
} as const;
const userActs = { block_user: "blockUser", unblock_user: "unblockUser", secure_user: "secureUser" } as const;

async function answer(call: string, args: any): Promise<unknown> {
  const cordon = args.set ? builtIn.inSet(args.set) : builtIn;
  const asked = args.set ? cordon.inSet(args.set) : cordon;
  switch (call) {
    case "can":
      return asked.can(args.user, args.action, args.resource as Target);
    case "decide":
      return decide(asked, args);
    case "can_all":
      return asked.canAll(args.questions.map((q: any) => question(q.user, q.action, q.resource)));
    case "filter":
      return asked.filter(args.user, args.action, args.ids, { type: args.type, organization: args.organization });
    case "evaluations":
      return (await asked.decideAll(args.request as Batch)).map((d) => d.allowed);
    case "search_subjects":
      return all(asked.searchSubjects(args.request, paged(args)), (one) => one.id);
    case "search_resources":
      return all(asked.searchResources(args.request, paged(args)), (one) => one.id);
    case "search_actions":
      return all(asked.searchActions(args.request, paged(args)), (one) => one.name);
  }
  const actor = args.as ? cordon.as(args.as) : cordon;
  if (call in productActs) {
    const request = { reason: args.reason, ...(args.ticket ? { ticket: args.ticket } : {}) };
    const { product } = await actor[productActs[call as keyof typeof productActs]](args.organization, args.product, request);
    return { blocked: product.blocked, maintenance: product.maintenance };
  }
  if (call in userActs) {
    const { code } = await actor.createSupportCode(args.organization);
    const request = { justification: args.justification, supportCode: code, ...(args.channels ? { channels: args.channels } : {}) };
    const by = args.agent ? cordon.asAgent(args.agent) : actor;
    await by[userActs[call as keyof typeof userActs]](args.organization, args.user, request);
    return {};
  }
  throw new Error(`there is no call ${call}`);
}

async function decide(asked: Client, args: any): Promise<unknown> {
  let client = args.explain ? asked.explain(args.explain) : asked;
  client = args.language ? client.in(args.language) : client;
  const d = await client.decide(question(args.user, args.action, args.resource));
  return {
    decision: d.allowed,
    reasons: d.reasons.map((r) => r.code),
    reason_user: d.reasonUser,
    reason_admin: d.reasonAdmin,
    language: args.language ? d.language : undefined,
  };
}

function paged(args: any): { pageSize?: number } {
  return args.limit === undefined ? {} : { pageSize: args.limit };
}

async function all<T>(found: AsyncIterable<T>, name: (one: T) => string): Promise<string[]> {
  const names: string[] = [];
  for await (const one of found) {
    names.push(name(one));
  }
  return names;
}

for (const { name, call, args } of cases) {
  let line: object;
  try {
    line = { name, answer: await answer(call, args) };
  } catch (error) {
    if (!(error instanceof CordonError)) {
      throw error;
    }
    line = { name, error: { status: error.status, code: error.code } };
  }
  console.log(JSON.stringify(line));
}
