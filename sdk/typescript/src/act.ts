import { isObject } from "./decide.js";
import { CordonError } from "./error.js";
import type { ChannelName, OpenWordOf, Origin, RoleName } from "./words.js";

/** Asks to block or unblock a product, or to start or end the maintenance of a mail service. */
export interface ProductAct {
  reason: string;
  ticket?: string | undefined;
  /** When it ends by the clock. */
  expiresAt?: Date | string | undefined;
}

/** Asks to block or unblock a user. It needs a justification, and the support code of who asked for it. */
export interface UserAct {
  justification: string;
  supportCode?: string | undefined;
  /** To block beside the critical three. */
  channels?: ChannelName[] | undefined;
  ticket?: string | undefined;
  expiresAt?: Date | string | undefined;
}

/** Asks to send a user the procedure to secure their account. */
export type SecureAct = Pick<UserAct, "justification" | "supportCode">;

/** One block of a product. Blocks of different sides stand side by side. */
export interface Block {
  origin: OpenWordOf<typeof Origin>;
  reason: string;
  ticket?: string;
  by: string;
  since: string;
  expiresAt?: string;
}

/** A service that an organization bought. */
export interface Product {
  id: string;
  organization: string;
  name: string;
  kind: string;
  blocked: boolean;
  maintenance: boolean;
  blocks: Block[];
  /** The organization's. */
  revision: number;
}

/** One block of a user in an organization. */
export interface UserBlock {
  origin: OpenWordOf<typeof Origin>;
  channels: ChannelName[];
  by: string;
  since: string;
  expiresAt?: string;
}

/** A person's membership in one organization. */
export interface User {
  id: string;
  organization: string;
  name: string;
  email: string;
  language?: string;
  role: RoleName;
  grants: string[];
  notify: { productEvents: boolean };
  blocked: boolean;
  blocks: UserBlock[];
  revision: number;
}

/** What an act on a product answers. */
export interface ProductAnswer {
  product: Product;
  decisionId: string;
  revision: number;
}

/** What an act on a user answers. */
export interface UserAnswer {
  user: User;
  decisionId: string;
  revision: number;
}

/** With which an administrator proves who they are, once. It is shown once. */
export interface SupportCode {
  code: string;
  expiresAt: string;
}

/** What a block or the start of maintenance would do; it is found by the same rules. */
export interface Preview {
  /** What users may do now and could not do any more. */
  losses: { user: string; type: string; resources: string[]; actions: string[] }[];
  /** Who would be sent a mail. */
  mailed: string[];
  /** Who could lift it. */
  unblockers: string[];
  decisionId: string;
}

/** Writes a request with the names of the API. */
export function sent(request: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(request)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  );
}

/** Reads an answer with the names of TypeScript. It must have the members that its caller counts on. */
export function received<T>(body: unknown, ...members: (keyof T & string)[]): T {
  const answer = renamed(body);
  if (!isObject(answer) || members.some((member) => answer[member] === undefined)) {
    throw new CordonError(`there is no ${members.join(", ")} in the answer`, { kind: "unusable", status: 200 });
  }
  return answer as T;
}

function renamed(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(renamed);
  }
  if (!isObject(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), renamed(member)]),
  );
}
