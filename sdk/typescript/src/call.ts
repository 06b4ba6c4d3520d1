import type { CallOptions, Settings } from "./config.js";
import { CordonError, kindOf, type Problem, sentence } from "./error.js";
import { whileWaiting } from "./token.js";

/** One call of the API. */
export interface Call {
  method: "GET" | "POST" | "DELETE";
  /** Segments, escaped when they are sent. */
  path: readonly string[];
  query?: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** How long it may take in all, and how often it is tried within that. */
  budget: number;
  tries: number;
}

/** What a server answered. */
export interface Answer {
  body: unknown;
  headers: Headers;
}

/** Bounds an answer: above the largest page, far below what would hurt. */
const longest = 32 * 1024 * 1024;

/** The mean wait before the first repeat; it doubles with each. */
const firstWait = 50;

/** Carries out a call that is safe to repeat, within its budget. */
export async function send(settings: Settings, call: Call, options: CallOptions = {}): Promise<Answer> {
  const what = `${call.method} /${call.path.join("/")}`;
  const url = target(settings, call, what);
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  const headers = headersOf(call, what);
  const end = performance.now() + call.budget;
  const left = () => end - performance.now();
  let renewed = false;
  for (let tried = 1; ; tried++) {
    options.signal?.throwIfAborted();
    // A try that hangs must leave time for another one.
    const share = left() / (tried < call.tries ? 2 : 1);
    let failure: CordonError;
    try {
      return await within(share, options.signal, (signal) => once(settings, call.method, url, headers, body, signal));
    } catch (error) {
      options.signal?.throwIfAborted();
      failure = explained(error, what);
    }
    // One other token for a call: a server that refuses that one, too, is not asked with all that an issuer has.
    const wait = failure instanceof Refused && renewed ? undefined : pause(failure, tried);
    renewed ||= failure instanceof Refused;
    if (wait === undefined || tried >= call.tries || wait >= left()) {
      throw failure;
    }
    if (wait > 0) {
      await sleep(wait, options.signal);
    }
  }
}

/** A refused token of which there may be a newer one. */
class Refused extends CordonError {}

/** How long to wait before a repeat; undefined where none would help. */
function pause(failure: CordonError, tried: number): number | undefined {
  if (failure instanceof Refused) {
    return 0;
  }
  if (failure.kind !== "unavailable") {
    return undefined;
  }
  const wait = Math.min(firstWait * 2 ** (tried - 1), 5_000);
  // Random by half, so that callers that failed together do not come back together.
  return Math.max(wait / 2 + Math.random() * (wait / 2), failure.retryAfter);
}

/** Sends a request once and reads the whole answer. */
async function once(settings: Settings, method: string, url: string, common: Headers, body: string | undefined, signal: AbortSignal): Promise<Answer> {
  let credential: string;
  try {
    credential = await settings.credential(signal);
  } catch (cause) {
    throw new CordonError("no token could be had", { kind: "unavailable", cause });
  }
  const headers = new Headers(common);
  try {
    headers.set("Authorization", `Bearer ${credential}`);
  } catch {
    throw new CordonError("the key or the token is none: it cannot be sent", { kind: "unauthorized" }); // and is not told
  }
  const request: RequestInit = {
    method,
    headers,
    signal,
    // The key goes to the server that it is of, and to no other place; and nothing of the page's goes with it.
    redirect: "manual",
    credentials: "omit",
  };
  if (body !== undefined) {
    request.body = body;
  }
  let response: Response;
  try {
    // A fetch of somebody else's may not look at the signal.
    response = await whileWaiting(settings.fetch(url, request), signal);
  } catch (cause) {
    throw new CordonError("the server could not be reached", { kind: "unavailable", cause });
  }
  const text = await read(response, signal);
  if (!response.ok) {
    throw refusal(response, text, settings.refused, credential);
  }
  if (!isMedia(response, "application/json")) {
    const media = response.headers.get("Content-Type");
    throw new CordonError(`the answer is ${media ?? "of no type"} and not JSON; is this a Cordon server?`, { kind: "unusable", status: response.status });
  }
  try {
    return { body: JSON.parse(text), headers: response.headers };
  } catch (cause) {
    throw new CordonError("the answer is not JSON", { kind: "unusable", status: response.status, cause });
  }
}

/** Reads all of an answer, unless that is too much. */
async function read(response: Response, signal: AbortSignal): Promise<string> {
  if (!response.body) {
    return "";
  }
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await whileWaiting(reader.read(), signal);
      if (done) {
        return text + decoder.decode();
      }
      length += value.byteLength;
      if (length > longest) {
        break;
      }
      text += decoder.decode(value, { stream: true });
    }
  } catch (cause) {
    reader.cancel().catch(() => undefined);
    throw new CordonError("the answer broke off", { kind: "unavailable", status: response.status, cause });
  }
  reader.cancel().catch(() => undefined);
  throw new CordonError(`the answer is longer than ${longest} bytes`, { kind: "unusable", status: response.status });
}

/** Makes an error of an answer that is none of success, whoever gave it. */
function refusal(response: Response, text: string, refused: (credential: string) => boolean, credential: string): CordonError {
  let problem: Problem = {};
  if (isMedia(response, "application/problem+json")) {
    try {
      const said: unknown = JSON.parse(text);
      if (typeof said === "object" && said !== null && !Array.isArray(said)) {
        problem = said as Problem;
      }
    } catch {
      // The status is enough to branch on.
    }
  }
  const facts = {
    kind: kindOf(response.status, problem.code ?? ""),
    status: response.status,
    problem,
    retryAfter: retryAfter(response.headers.get("Retry-After")),
    language: response.headers.get("Content-Language") ?? "",
    requestId: problem.request_id ?? response.headers.get("X-Request-ID") ?? "",
    decisionId: problem.decision_id ?? response.headers.get("Cordon-Decision-Id") ?? "",
  };
  const text2 = sentence(response.status, problem);
  return response.status === 401 && refused(credential) ? new Refused(text2, facts) : new CordonError(text2, facts);
}

/** Puts what was called before the sentence of an error. */
function explained(error: unknown, what: string): CordonError {
  if (error instanceof CordonError) {
    error.message = `${what}: ${error.message}`;
    return error;
  }
  return new CordonError(`${what}: the server could not be reached`, { kind: "unavailable", cause: error });
}

/** Milliseconds that a server asks to wait, as seconds or as a date. */
export function retryAfter(value: string | null, now = Date.now()): number {
  if (value === null) {
    return 0;
  }
  const wait = /^\d+$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - now;
  return wait > 0 ? Math.min(wait, 86_400_000) : 0;
}

function isMedia(response: Response, media: string): boolean {
  return (response.headers.get("Content-Type") ?? "").split(";", 1)[0]?.trim().toLowerCase() === media;
}

/** What all tries of a call carry. A name that no header can carry is nobody's. */
function headersOf(call: Call, what: string): Headers {
  try {
    const json = call.body === undefined ? {} : { "Content-Type": "application/json" };
    return new Headers({ Accept: "application/json, application/problem+json", ...json, ...call.headers });
  } catch (cause) {
    throw new CordonError(`${what}: a user, an agent or a language cannot be sent`, { kind: "invalid", cause });
  }
}

/** The URL of a call. An empty id, or a dot, would name another resource than was meant. */
function target(settings: Settings, call: Call, what: string): string {
  for (const segment of call.path) {
    if (segment === "" || segment === "." || segment === "..") {
      throw new CordonError(`${what}: "${segment}" is no id`, { kind: "invalid" });
    }
  }
  return `${settings.base}/${call.path.map(encodeURIComponent).join("/")}${call.query ? `?${call.query}` : ""}`;
}

/** Runs something that ends with a signal: when its time is over, or when the caller's own signal says so. */
async function within<T>(time: number, outer: AbortSignal | undefined, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const inner = new AbortController();
  const stop = () => inner.abort(outer?.reason);
  outer?.addEventListener("abort", stop, { once: true });
  const timer = setTimeout(() => inner.abort(new DOMException("the time for an answer is over", "TimeoutError")), Math.max(0, time));
  try {
    return await run(inner.signal);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", stop);
  }
}

function sleep(time: number, outer: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(outer?.reason);
    };
    const timer = setTimeout(() => {
      outer?.removeEventListener("abort", stop);
      resolve();
    }, time);
    outer?.addEventListener("abort", stop, { once: true });
  });
}
