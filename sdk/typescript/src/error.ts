import type { ReasonOf, Texts } from "./question.js";

/** What a program branches on. */
export type ErrorKind =
  /** The request is not valid: 400, 405, 413, 415, 422. */
  | "invalid"
  /** The server does not know the key or the token: 401. */
  | "unauthorized"
  /** The key may not do this: 403 for its scope or its organization. */
  | "forbidden"
  /** The rules deny the act: 403 with reasons. */
  | "denied"
  /** 404 */
  | "not_found"
  /** It conflicts with what stands: 409. */
  | "conflict"
  /** 412 */
  | "precondition_failed"
  /** No answer now: 408, 429, 502, 503, 504, not reached, or the time was over. */
  | "unavailable"
  /** The rules know no such action on that type of resource: a slip of the pen, not a denial. */
  | "unknown_action"
  /** An item of a batch could not be decided. */
  | "undecided"
  /** An answer that cannot be understood. */
  | "unusable";

/** An error as the server tells it (RFC 9457). */
export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  request_id?: string;
  errors?: { pointer: string; detail: string }[];
  reasons?: ReasonOf[];
  decision_id?: string;
  locked_until?: string;
  reason_user?: Texts;
  reason_admin?: Texts;
  [member: string]: unknown;
}

/** What is known of an error beside its sentence. */
export interface ErrorFacts {
  kind: ErrorKind;
  status?: number;
  code?: string;
  problem?: Problem;
  retryAfter?: number;
  language?: string;
  requestId?: string;
  decisionId?: string;
  reasons?: ReasonOf[];
  cause?: unknown;
}

/** Whatever is no answer. It is never a yes, and never a no either. */
export class CordonError extends Error {
  override readonly name = "CordonError";
  /** What a program branches on. */
  readonly kind: ErrorKind;
  /** Of the answer; 0 where there was none. */
  readonly status: number;
  /** Of the problem, such as `denied` or `already_blocked`; empty where the server said none. */
  readonly code: string;
  /** Why the rules deny an act; empty otherwise. */
  readonly reasons: ReasonOf[];
  /** The record of a denied act, or of the decision that this is about. */
  readonly decisionId: string;
  readonly requestId: string;
  /** How many milliseconds the server asks to wait; 0 where it does not say. */
  readonly retryAfter: number;
  /** Of the reasons' messages. */
  readonly language: string;
  /** All that the server said. */
  readonly problem: Problem;

  constructor(message: string, facts: ErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    const problem = facts.problem ?? {};
    this.kind = facts.kind;
    this.status = facts.status ?? 0;
    this.code = facts.code ?? problem.code ?? "";
    this.reasons = facts.reasons ?? problem.reasons ?? [];
    this.decisionId = facts.decisionId ?? problem.decision_id ?? "";
    this.requestId = facts.requestId ?? problem.request_id ?? "";
    this.retryAfter = facts.retryAfter ?? 0;
    this.language = facts.language ?? "";
    this.problem = problem;
  }
}

/** Says of which kind an answer is that is none of success. */
export function kindOf(status: number, code: string): ErrorKind {
  switch (status) {
    case 401:
      return "unauthorized";
    case 403:
      return code === "denied" ? "denied" : "forbidden";
    case 404:
      return "not_found";
    case 409:
      return "conflict";
    case 412:
      return "precondition_failed";
    case 408:
    case 429:
    case 502:
    case 503:
    case 504:
      return "unavailable";
    case 400:
    case 405:
    case 413:
    case 415:
    case 422:
      return "invalid";
    default:
      return "unusable";
  }
}

/** The sentence of a problem: the reasons of a denial, what is wrong where in a body, or what the server said. */
export function sentence(status: number, problem: Problem): string {
  const parts = [
    ...(problem.reasons ?? []).map((r) => `${r.code}: ${r.message}`),
    ...(problem.errors ?? []).map((e) => `${e.pointer} ${e.detail}`.trim()),
  ];
  const text = parts.length > 0 ? parts.join("; ") : problem.detail || problem.title || `the server answered ${status}`;
  return problem.code ? `${text} (${problem.code})` : text;
}
