import { isObject } from "./decide.js";
import type { EventTypeName } from "./words.js";

/** What an event says; which members there are depends on its type. */
export interface EventData {
  /** Of the event: the same for every message about it. */
  id: string;
  type: EventTypeName;
  at: string;
  organization: string;
  organization_name?: string;
  product?: string;
  product_name?: string;
  user?: string;
  user_name?: string;
  /** Of the block: whose it is. */
  origin?: string;
  by?: string;
  reason?: string;
  ticket?: string;
  channels?: string[];
  closed_channels?: string[];
  expires_at?: string;
  [member: string]: unknown;
}

/** A message to a webhook. */
export interface Message {
  /** The same each time that it is sent again. */
  id: string;
  type: EventTypeName;
  timestamp: string;
  data: EventData;
}

/** A message that is not from who it says, or not from now. */
export class WebhookError extends Error {
  override readonly name = "WebhookError";
}

/** The headers of a message, as a fetch `Headers` or as Node's own object. */
export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/** How a message is looked at. */
export interface WebhookOptions {
  /** How many milliseconds a message may be old, or ahead of this clock: five minutes. */
  tolerance?: number | undefined;
  /** Milliseconds since 1970. */
  now?: number | undefined;
}

/**
 * Verifies a message to a webhook as Standard Webhooks says, and gives it. The body is what was received, byte by
 * byte: parsing and writing it again makes another one. While a secret is exchanged both may be given.
 */
export async function verifyWebhook(
  secret: string | readonly string[],
  headers: WebhookHeaders,
  body: string | Uint8Array,
  options: WebhookOptions = {},
): Promise<Message> {
  const id = header(headers, "webhook-id");
  const timestamp = header(headers, "webhook-timestamp");
  const signatures = header(headers, "webhook-signature");
  if (!id || !/^\d{1,12}$/.test(timestamp) || !signatures) {
    throw new WebhookError("a webhook-id, webhook-timestamp and webhook-signature are needed");
  }
  const { tolerance = 5 * 60_000, now = Date.now() } = options;
  if (!(Math.abs(now - Number(timestamp) * 1_000) <= tolerance)) {
    throw new WebhookError("the message is of another time");
  }
  const text = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const signed = join(new TextEncoder().encode(`${id}.${timestamp}.`), text);
  const secrets = typeof secret === "string" ? [secret] : secret;
  if (!(await anyOf(secrets, signatures.split(" "), signed))) {
    throw new WebhookError("no signature fits");
  }
  let message: unknown;
  try {
    message = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
  } catch (cause) {
    throw new WebhookError("the message is not JSON", { cause });
  }
  if (!isObject(message) || typeof message["type"] !== "string" || !isObject(message["data"])) {
    throw new WebhookError("the message is no event");
  }
  return { id, type: message["type"], timestamp: String(message["timestamp"] ?? ""), data: message["data"] as EventData };
}

async function anyOf(secrets: readonly string[], signatures: readonly string[], signed: Uint8Array<ArrayBuffer>): Promise<boolean> {
  for (const secret of secrets) {
    const key = await crypto.subtle.importKey("raw", secretKey(secret), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
    for (const signature of signatures) {
      const [version, value = ""] = signature.split(",", 2);
      const mac = version === "v1" ? decoded(value) : undefined;
      // In constant time, as Web Crypto compares.
      if (mac && (await crypto.subtle.verify("HMAC", key, mac, signed))) {
        return true;
      }
    }
  }
  return false;
}

/** The key in a secret as it was shown: `whsec_` and base64. */
function secretKey(secret: string): Uint8Array<ArrayBuffer> {
  const key = decoded(secret.replace(/^whsec_/, ""));
  if (!key || key.length === 0) {
    throw new TypeError("a webhook's secret is whsec_ and base64");
  }
  return key;
}

function decoded(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function header(headers: WebhookHeaders, name: string): string {
  if (headers instanceof Headers) {
    return headers.get(name) ?? "";
  }
  for (const [given, value] of Object.entries(headers)) {
    if (given.toLowerCase() === name) {
      // Sent twice it is nobody's to choose one.
      return typeof value === "string" ? value : value?.length === 1 ? (value[0] ?? "") : "";
    }
  }
  return "";
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
