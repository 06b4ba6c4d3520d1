import type { Client } from "./client.js";
import { CordonError } from "./error.js";
import type { ActionOf, Decision, ReasonOf, Resource, Subject } from "./question.js";

/** What is needed of a request of Node's `http`, of Express and of what is like it. */
export interface RequestLike {
  headers: Record<string, string | string[] | undefined>;
}

/** What is needed of a response. */
export interface ResponseLike {
  statusCode: number;
  readonly headersSent: boolean;
  setHeader(name: string, value: string): unknown;
  end(body?: string): unknown;
  on(event: "close", listener: () => void): unknown;
}

/** Why a request was not let pass, and how it is answered where no `onDeny` does it. */
export interface Denial {
  status: 401 | 403 | 500 | 503;
  code: "unauthenticated" | "denied" | "internal" | "unavailable";
  detail: string;
  reasons: ReasonOf[];
  /** Of the reasons' messages. */
  language?: string;
  decision?: Decision;
  /** Of a 500 and a 503. */
  error?: unknown;
}

type OrPromise<T> = T | Promise<T>;

/** Says what a request of a service asks of Cordon. */
export interface MiddlewareConfig<Req extends RequestLike, Res extends ResponseLike> {
  client: Client;
  /** Who sent the request, as the service has authenticated them; without an id it is answered with 401. */
  subject: (request: Req) => OrPromise<Subject | undefined>;
  /** What it does, and to what; without a name or an id it is answered with 403, and nobody is asked. */
  action: (request: Req) => OrPromise<ActionOf | undefined>;
  resource: (request: Req) => OrPromise<Resource | undefined>;
  /** Lets a request pass unasked, such as that of a probe. Only `true` does. */
  skip?: (request: Req) => OrPromise<boolean>;
  /** In which language the reasons are told: what the request says it accepts, where this is left out. */
  language?: (request: Req) => string | undefined;
  /**
   * Answers a request that is not let pass, instead of a problem in JSON, and must end the response, then or later. The
   * status is that of the denial unless it sets another.
   */
  onDeny?: (denial: Denial, request: Req, response: Res) => OrPromise<void>;
  /** Is told why a request could not be decided, for the log. */
  onError?: (error: unknown, request: Req) => void;
}

/** What Express takes, and what a handler of Node's `http` calls with the rest of itself as `next`. */
export type Middleware<Req, Res> = (request: Req, response: Res, next: () => void) => Promise<void>;

const decided = new WeakMap<object, Decision>();

/** Gives the decision by which a middleware let a request pass. */
export function decisionOf(request: object): Decision | undefined {
  return decided.get(request);
}

/**
 * Asks Cordon before a request is handled: `next` is called on a yes alone. A no is answered with 403 and the reasons as
 * application/problem+json, and where there is no answer, for whatever reason, the request with 503, or with 500 where
 * what it asks can never be answered.
 */
export function middleware<Req extends RequestLike, Res extends ResponseLike>(config: MiddlewareConfig<Req, Res>): Middleware<Req, Res> {
  if (!config.client || !config.subject || !config.action || !config.resource) {
    throw new TypeError("middleware: client, subject, action and resource are needed");
  }
  return async (request, response, next) => {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    let denial: Denial | undefined;
    try {
      denial = (await config.skip?.(request)) === true ? undefined : await ask(config, request, gone.signal);
    } catch (error) {
      denial = { status: 500, code: "internal", detail: "It could not be found out what this asks for.", reasons: [], error };
    }
    if (gone.signal.aborted) {
      return; // nobody is there to be answered
    }
    if (!denial) {
      next();
      return;
    }
    if (denial.error !== undefined) {
      config.onError?.(denial.error, request);
    }
    await refuse(config, denial, request, response);
  };
}

/** Gives why a request is not let pass; nothing for a yes. */
async function ask<Req extends RequestLike, Res extends ResponseLike>(
  config: MiddlewareConfig<Req, Res>,
  request: Req,
  signal: AbortSignal,
): Promise<Denial | undefined> {
  const subject = await config.subject(request);
  if (!subject?.id) {
    return { status: 401, code: "unauthenticated", detail: "Sign in to do this.", reasons: [] };
  }
  const action = await config.action(request);
  const resource = await config.resource(request);
  if (!action?.name || !resource?.id) {
    return { status: 403, code: "denied", detail: "Nothing here may be done by anyone.", reasons: [] };
  }
  const accepted = request.headers["accept-language"];
  const language = config.language ? config.language(request) : Array.isArray(accepted) ? accepted.join(", ") : accepted;
  const client = language ? config.client.in(language) : config.client;
  let decision: Decision;
  try {
    decision = await client.decide({ subject, action, resource }, { signal });
  } catch (error) {
    return unanswered(error);
  }
  if (decision.allowed === true) {
    decided.set(request, decision);
    return undefined;
  }
  if (decision.reasons[0]?.code === "unknown_action") {
    const error = new CordonError(`the rules know no action ${action.name} on a ${resource.type}`, {
      kind: "unknown_action",
      status: 200,
      code: "unknown_action",
      decisionId: decision.id,
    });
    return unanswered(error);
  }
  const denial: Denial = { status: 403, code: "denied", detail: decision.reasons[0]?.message || "You may not do this.", reasons: decision.reasons, decision };
  if (decision.language) {
    denial.language = decision.language;
  }
  return denial;
}

function unanswered(error: unknown): Denial {
  if (error instanceof CordonError && error.kind === "unknown_action") {
    return { status: 500, code: "internal", detail: "This service asked for a permission that does not exist.", reasons: [], error };
  }
  return { status: 503, code: "unavailable", detail: "It cannot be decided now whether you may do this.", reasons: [], error };
}

async function refuse<Req extends RequestLike, Res extends ResponseLike>(
  config: MiddlewareConfig<Req, Res>,
  denial: Denial,
  request: Req,
  response: Res,
): Promise<void> {
  if (!config.onDeny) {
    problem(response, denial);
    return;
  }
  response.statusCode = denial.status; // where a hook says none, Node would say 200
  try {
    await config.onDeny(denial, request, response);
  } catch (error) {
    config.onError?.(error, request);
    if (response.headersSent) {
      response.end();
    } else {
      problem(response, denial);
    }
  }
}

const titles = { 401: "Unauthorized", 403: "Forbidden", 500: "Internal Server Error", 503: "Service Unavailable" } as const;

function problem(response: ResponseLike, denial: Denial): void {
  const { status, code, detail, reasons, decision } = denial;
  response.statusCode = status;
  response.setHeader("Content-Type", "application/problem+json");
  response.setHeader("Cache-Control", "no-store");
  if (status === 503) {
    response.setHeader("Retry-After", "1");
  }
  if (decision) {
    response.setHeader("Vary", "Accept-Language");
  }
  if (denial.language) {
    response.setHeader("Content-Language", denial.language);
  }
  const said = { type: "about:blank", title: titles[status], status, detail, code };
  response.end(JSON.stringify(decision ? { ...said, reasons, decision_id: decision.id } : said));
}
