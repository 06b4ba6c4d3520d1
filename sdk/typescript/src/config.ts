import { type Token, Tokens, type TokenSource } from "./token.js";
import type { Reader } from "./words.js";

/** Says which server to ask, and as whom. Only `url`, and one of `key` and `token`, are needed. */
export interface Config {
  /** Of the server, such as `https://cordon.example.com`. A path in it is kept. */
  url: string | URL;
  /** An API key (`ck_...`), or a token that lives as long as the client. */
  key?: string | undefined;
  /** Gives tokens, each used until the end that is told with it. */
  token?: TokenSource | undefined;
  /** The user for whom the key acts; see also {@link Client.as}. */
  actor?: string | undefined;
  /** The support agent for whom the key acts; see also {@link Client.asAgent}. */
  agent?: string | undefined;
  /** Of the messages, as `Accept-Language` may say it; see also {@link Client.in}. */
  language?: string | undefined;
  /** Adds sentences for a reader to decisions and denied acts; see also {@link Client.explain}. */
  explain?: Reader | undefined;
  /** How long a decision may take in all, in milliseconds: 1,000. It is tried twice at most within it. */
  budget?: number | undefined;
  /** How long anything else may take in all, in milliseconds: 10,000. It is tried four times at most within it. */
  timeout?: number | undefined;
  /** Sends the requests; the global `fetch` where it is left out. */
  fetch?: typeof fetch | undefined;
}

/** What one call may say. */
export interface CallOptions {
  /** Ends the call before its time; it then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A config that was looked at, as a client and those that are derived from it use it. */
export interface Settings {
  base: string;
  credential: (signal: AbortSignal) => Promise<string>;
  /** Tells that a credential was refused; true where another one may be had. */
  refused: (credential: string) => boolean;
  /** A policy set beside Cordon's own; empty: that one. */
  set: string;
  actor: string;
  agent: string;
  language: string;
  explain: Reader | "";
  budget: number;
  timeout: number;
  fetch: typeof fetch;
}

/** Looks at a config. What cannot be right in any run of the program is a TypeError. */
export function settle(config: Config): Settings {
  let url: URL;
  try {
    url = new URL(config.url);
  } catch (cause) {
    throw new TypeError(`the URL of the Cordon server cannot be read: ${config.url}`, { cause });
  }
  if ((url.protocol !== "http:" && url.protocol !== "https:") || url.search || url.hash || url.username || url.password) {
    throw new TypeError("the URL of the Cordon server is not of the form http(s)://host[:port]");
  }
  if ((config.key ? 1 : 0) + (config.token ? 1 : 0) !== 1) {
    throw new TypeError("a client of Cordon needs a key or a source of tokens, one of them");
  }
  if (config.actor && config.agent) {
    throw new TypeError("a client acts for a user or for an agent, not for both");
  }
  const { key, token } = config;
  const tokens = token && new Tokens(token, Date.now);
  return {
    base: url.origin + url.pathname.replace(/\/+$/, ""),
    credential: tokens ? (signal) => tokens.get(signal) : async () => key as string,
    refused: (credential) => {
      tokens?.forget(credential);
      return tokens !== undefined;
    },
    set: "",
    actor: config.actor ?? "",
    agent: config.agent ?? "",
    language: config.language ?? "",
    explain: config.explain ?? "",
    budget: positive("budget", config.budget, 1_000),
    timeout: positive("timeout", config.timeout, 10_000),
    // Called by itself: a browser's fetch refuses to be a method of something else.
    fetch: config.fetch ?? ((...call) => globalThis.fetch(...call)),
  };
}

function positive(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) {
    return otherwise;
  }
  if (!(value > 0) || value > 2 ** 31 - 1) {
    throw new TypeError(`${name} is a number of milliseconds, above 0 and below 25 days`);
  }
  return value;
}

export type { Token, TokenSource };
