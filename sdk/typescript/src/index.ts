/**
 * Asks a Cordon server who may do what, and blocks and unblocks. It needs `fetch`, `AbortSignal` and Web Crypto, which
 * Node 20 and browsers have, and nothing else.
 *
 * @module
 */
export type {
  Block,
  Preview,
  Product,
  ProductAct,
  ProductAnswer,
  SecureAct,
  SupportCode,
  User,
  UserAct,
  UserAnswer,
  UserBlock,
} from "./act.js";
export { Client, type FilterOptions } from "./client.js";
export { type CallOptions, type Config, type Token, type TokenSource } from "./config.js";
export { CordonError, type ErrorKind, type Problem } from "./error.js";
export { decisionOf, type Denial, middleware, type Middleware, type MiddlewareConfig, type RequestLike, type ResponseLike } from "./middleware.js";
export * from "./question.js";
export { type ActionSearch, type ResourceSearch, type SearchOptions, type SubjectSearch, whatMay, whichMay, whoMay } from "./search.js";
export { type EventData, type Message, verifyWebhook, WebhookError, type WebhookHeaders, type WebhookOptions } from "./webhook.js";
export * from "./words.js";
