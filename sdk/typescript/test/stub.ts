import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import { Client, type Config } from "../src/index.js";

/** A request that was sent, as a test looks at it. */
export interface Sent {
  method: string;
  path: string;
  headers: Headers;
  body: any;
}

/** What a stub answers to a request: a body, a whole response, or an error of the network. */
export type Reply = (sent: Sent, number: number) => unknown;

/** A fetch that answers as it is told and keeps what it was sent. */
export function stub(reply: Reply): { fetch: typeof fetch; sent: Sent[] } {
  const sent: Sent[] = [];
  return {
    sent,
    fetch: async (input, init) => {
      const url = new URL(String(input));
      const one: Sent = {
        method: init?.method ?? "GET",
        path: url.pathname + url.search,
        headers: new Headers(init?.headers),
        body: typeof init?.body === "string" ? JSON.parse(init.body) : undefined,
      };
      sent.push(one);
      const said = await reply(one, sent.length);
      if (said instanceof Error) {
        throw said;
      }
      return said instanceof Response ? said : json(said);
    },
  };
}

export function json(body: unknown, headers: Record<string, string> = {}, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });
}

export function problem(status: number, code: string, headers: Record<string, string> = {}, more: object = {}): Response {
  const body = { type: "about:blank", title: "", status, detail: `it is ${code}`, code, request_id: "r1", ...more };
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/problem+json", ...headers } });
}

export const yes = { decision: true, context: { reasons: [{ code: "granted", message: "It is granted." }] } };
export const no = { decision: false, context: { reasons: [{ code: "not_granted", message: "It is not granted." }] } };

/** A client on a stub. */
export function on(reply: Reply, config: Partial<Config> = {}): { client: Client; sent: Sent[] } {
  const { fetch, sent } = stub(reply);
  const credential = config.token ? {} : { key: "ck_test" };
  // A budget that no busy machine uses up: where it matters a test sets its own.
  return { client: new Client({ url: "https://cordon.test", budget: 60_000, ...credential, ...config, fetch }), sent };
}

/** Reads the body of a request whole. */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
  }
  return text;
}

/** Serves on the loopback for one test. */
export async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
