import type { Answer } from "./call.js";
import { CordonError } from "./error.js";
import type { Batch, Decision, Properties, Question, Texts } from "./question.js";
import { Reason, Semantic, Type } from "./words.js";

/** Bounds of one batch, a little below those of the server, which counts the bytes of the whole body. */
const mostItems = 1_000;
const mostBytes = 240 * 1_024;

/** Reads the answer to one question. What says neither yes nor no is no answer. */
export function decision(answer: Answer, said: unknown, idHeader: string): Decision {
  if (!isObject(said) || typeof said["decision"] !== "boolean") {
    throw new CordonError("there is no decision in the answer", { kind: "unusable", status: 200 });
  }
  const context = said["context"] ?? {};
  if (!isObject(context)) {
    throw new CordonError("the context of the decision is no object", { kind: "unusable", status: 200 });
  }
  // An error of whatever shape: what could not be decided is no yes because it is told in another way.
  const told = context["error"] ?? undefined;
  const error = told === undefined || isObject(told) ? told : { message: told };
  const decided: Decision = {
    allowed: said["decision"] && error === undefined,
    reasons: reasons(context["reasons"]),
    id: answer.headers.get(idHeader) ?? "",
    policy: answer.headers.get("Cordon-Policy") ?? "",
    revision: Number(answer.headers.get("Cordon-Revision") ?? 0) || 0,
  };
  const language = answer.headers.get("Content-Language");
  if (language !== null) {
    decided.language = language;
  }
  if (isObject(said["context"])) {
    decided.context = context;
  }
  if (isObject(context["reason_user"])) {
    decided.reasonUser = context["reason_user"] as Texts;
  }
  if (isObject(context["reason_admin"])) {
    decided.reasonAdmin = context["reason_admin"] as Texts;
  }
  if (error) {
    decided.error = { status: Number(error["status"]) || 0, message: String(error["message"] ?? "") };
  }
  return decided;
}

/** Reads the answers to a batch: as many as there were items, or fewer where the semantic says to stop. */
export function decisions(answer: Answer, batch: Batch): Decision[] {
  const said = isObject(answer.body) ? answer.body["evaluations"] : undefined;
  const asked = batch.evaluations?.length ?? 0;
  const given = Array.isArray(said) ? said.map((one) => decision(answer, one, "Cordon-Batch-Id")) : [];
  const last = given.at(-1);
  // Callers find an answer by its place, so a list of another length would answer other questions; and of a list that was
  // cut they would take the first few for all.
  if (!last || given.length > asked || (given.length < asked && !stopsAt(last, batch.options?.evaluations_semantic))) {
    throw new CordonError(`the server gave ${given.length || "no"} answers to ${asked} questions`, { kind: "unusable", status: 200 });
  }
  return given;
}

/** Tells whether a semantic leaves unanswered what comes behind a decision. */
function stopsAt(last: Decision, semantic: string | undefined): boolean {
  return semantic === Semantic.denyOnFirstDeny ? !last.allowed : semantic === Semantic.permitOnFirstPermit && last.allowed;
}

/**
 * Gives yes or no, and throws where a decision is neither: an item that was not decided, or an action that no rule knows,
 * which would otherwise pass for a denial of everybody.
 */
export function yes(decided: Decision, place = ""): boolean {
  if (decided.error) {
    throw new CordonError(`${place}${decided.error.message}`, { kind: "undecided", status: decided.error.status, decisionId: decided.id });
  }
  if (!decided.allowed && decided.reasons[0]?.code === Reason.unknownAction) {
    throw new CordonError(`${place}the rules know no such action on this type of resource`, {
      kind: "unknown_action",
      status: 200,
      code: Reason.unknownAction,
      reasons: decided.reasons,
      decisionId: decided.id,
    });
  }
  return decided.allowed;
}

/** Cuts items into batches that the server takes, each with what they have in common. */
export function* batches(common: Batch, items: readonly Partial<Question>[]): Generator<Batch> {
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).length + 1;
  const before = bytes(common) + 64;
  let batch: Partial<Question>[] = [];
  let length = before;
  for (const item of items) {
    const more = bytes(item);
    if (batch.length > 0 && (batch.length === mostItems || length + more > mostBytes)) {
      yield { ...common, evaluations: batch };
      batch = [];
      length = before;
    }
    batch.push(item);
    length += more;
  }
  if (batch.length > 0) {
    yield { ...common, evaluations: batch };
  }
}

/** The organizations that questions are about; undefined where that is not said, as of most products. */
export function organizations(questions: readonly Partial<Question>[]): Set<string> | undefined {
  const found = new Set<string>();
  for (const { resource } of questions) {
    const named = resource?.type === Type.organization ? resource.id : resource?.properties?.["organization"];
    if (typeof named !== "string") {
      return undefined;
    }
    found.add(named);
  }
  return found;
}

function reasons(said: unknown): Decision["reasons"] {
  if (!Array.isArray(said)) {
    return [];
  }
  return said.filter(isObject).map((one) => ({ code: String(one["code"] ?? ""), message: String(one["message"] ?? "") }));
}

/** Tells whether a value is an object of JSON. */
export function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
