import type { CallOptions } from "./config.js";
import { isObject } from "./decide.js";
import { CordonError } from "./error.js";
import { type ActionOf, type Properties, question, type Resource, type Subject, type Target } from "./question.js";
import { type ActionName, Type, type TypeName } from "./words.js";

/** Which subjects may do this to that? Of the subject the type is asked for. */
export interface SubjectSearch {
  subject: { type: string; properties?: Properties };
  action: ActionOf;
  resource: Resource;
  context?: Properties;
}

/** To which resources may they do this? Of the resource the type is asked for, and `properties.organization` narrows it. */
export interface ResourceSearch {
  subject: Subject;
  action: ActionOf;
  resource: { type: string; properties?: Properties };
  context?: Properties;
}

/** What may they do here? */
export interface ActionSearch {
  subject: Subject;
  resource: Resource;
  context?: Properties;
}

/** Makes the search for the users who may do something to a resource. */
export function whoMay(action: ActionName, target: Target): SubjectSearch {
  const { action: asked, resource } = question("", action, target);
  return { subject: { type: Type.user }, action: asked, resource };
}

/** Makes the search for the resources of a type to which a user may do something, in one organization or in all of theirs. */
export function whichMay(user: string, action: ActionName, type: TypeName, organization?: string): ResourceSearch {
  const { subject, action: asked } = question(user, action, "");
  return { subject, action: asked, resource: organization === undefined ? { type } : { type, properties: { organization } } };
}

/** Makes the search for what a user may do to a resource. */
export function whatMay(user: string, target: Target): ActionSearch {
  const { subject, resource } = question(user, "", target);
  return { subject, resource };
}

/** How a search is read. */
export interface SearchOptions extends CallOptions {
  /** How many are fetched at once, at most: what the server thinks best where it is left out. */
  pageSize?: number | undefined;
}

/** Fetches one page of a search. */
export type FetchPage = (page: { token?: string; limit?: number }) => Promise<unknown>;

/** Gives all that is found, page by page. Pages that are not reached are not fetched. */
export async function* pages<T>(fetchPage: FetchPage, pageSize: number | undefined, member: "id" | "name"): AsyncGenerator<T, void, undefined> {
  const page: { token?: string; limit?: number } = pageSize === undefined ? {} : { limit: pageSize };
  for (;;) {
    const body = await fetchPage({ ...page });
    const results = isObject(body) ? body["results"] : undefined;
    if (!Array.isArray(results) || !results.every((one) => isObject(one) && typeof one[member] === "string")) {
      throw new CordonError("there are no results in the answer", { kind: "unusable", status: 200 });
    }
    yield* results as T[];
    // A page that is told in another shape may not be the last one.
    const told = (isObject(body) ? body["page"] : undefined) ?? {};
    const next = isObject(told) ? (told["next_token"] ?? "") : undefined;
    if (next === "") {
      return;
    }
    if (typeof next !== "string" || next === page.token) {
      throw new CordonError("the answer does not say where the search goes on", { kind: "unusable", status: 200 });
    }
    page.token = next;
  }
}
