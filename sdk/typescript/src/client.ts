import { type Preview, type ProductAct, type ProductAnswer, received, type SecureAct, sent, type SupportCode, type UserAct, type UserAnswer } from "./act.js";
import { type Answer, type Call, send } from "./call.js";
import { type CallOptions, type Config, type Settings, settle } from "./config.js";
import { batches, decision, decisions, organizations, yes } from "./decide.js";
import { CordonError } from "./error.js";
import { type ActionOf, type Batch, type Decision, type Properties, question, type Question, type Resource, type Subject, type Target } from "./question.js";
import { Revisions } from "./revision.js";
import { type ActionSearch, pages, type ResourceSearch, type SearchOptions, type SubjectSearch } from "./search.js";
import { type ActionName, type Reader, Type, type TypeName } from "./words.js";

/** How many of a list of things are asked about, and where they are. */
export interface FilterOptions extends CallOptions {
  /** Of the things: products where it is left out. */
  type?: TypeName | undefined;
  /** Of users and channels: whose they are. */
  organization?: string | undefined;
}

/**
 * Talks to one server as one caller. Whatever goes wrong is a {@link CordonError}, and never a yes: a server that is not
 * reached, an answer that is none, a time that is over.
 */
export class Client {
  readonly #settings: Settings;
  readonly #revisions: Revisions;
  readonly #atLeast: ReadonlyMap<string, number>;

  /** Makes a client. It does not talk to the server yet. */
  constructor(config: Config);
  /** @internal */
  constructor(settings: Settings, revisions: Revisions, atLeast: ReadonlyMap<string, number>);
  constructor(config: Config | Settings, revisions?: Revisions, atLeast?: ReadonlyMap<string, number>) {
    this.#settings = "credential" in config ? config : settle(config);
    this.#revisions = revisions ?? new Revisions();
    this.#atLeast = atLeast ?? new Map();
  }

  /** Gives a client that acts for a user. Its key needs the scope `act`. */
  as(user: string): Client {
    return this.#with({ actor: user, agent: "" });
  }

  /** Gives a client that acts for a support agent. Its key needs the scope `support`. */
  asAgent(agent: string): Client {
    return this.#with({ actor: "", agent });
  }

  /** Gives a client whose messages are in a language: what `Accept-Language` may say. */
  in(language: string): Client {
    return this.#with({ language });
  }

  /** Gives a client whose decisions and denied acts are explained to a reader. */
  explain(reader: Reader): Client {
    return this.#with({ explain: reader });
  }

  /** Gives a client whose questions and searches are answered by a policy set beside Cordon's own. */
  inSet(name: string): Client {
    return this.#with({ set: name });
  }

  /**
   * Gives a client whose decisions about the organization are made at that revision or later, never earlier. What this
   * client and those that it is derived from changed is asked for by itself.
   */
  atLeast(organization: string, revision: number): Client {
    const atLeast = new Map(this.#atLeast);
    atLeast.set(organization, Math.max(revision, atLeast.get(organization) ?? 0));
    return new Client(this.#settings, this.#revisions, atLeast);
  }

  /** Tells whether a user may do something to a product, or to another resource. It is false on a decision alone. */
  async can(user: string, action: ActionName, target: Target, options?: CallOptions): Promise<boolean> {
    return yes(await this.decide(question(user, action, target), options));
  }

  /** Asks one question. A denial is an answer and no error. */
  async decide(asked: Question, options?: CallOptions): Promise<Decision> {
    const answer = await this.#ask("evaluation", asked, organizations([asked]), options);
    return decision(answer, answer.body, "Cordon-Decision-Id");
  }

  /**
   * Asks a batch as AuthZEN has it, of at most 1,000 items. The answers come in their order; there are fewer only where the
   * semantic says to stop. Without items nothing is asked. What is wrong with one item is told by its `error`.
   */
  async decideAll(batch: Batch, options?: CallOptions): Promise<Decision[]> {
    const items = batch.evaluations ?? [];
    if (items.length === 0) {
      return [];
    }
    const about = organizations(items.map((item) => ({ ...batch, ...item })));
    return decisions(await this.#ask("evaluations", batch, about, options), batch);
  }

  /** Tells of many questions, in their order, whether it is allowed. They are asked in batches, each with a budget of its own. */
  async canAll(questions: readonly Question[], options?: CallOptions): Promise<boolean[]> {
    return this.#yesOrNo({}, questions, options);
  }

  /** Gives those of the ids for which a user may do something, in their order. */
  async filter(user: string, action: ActionName, ids: readonly string[], options: FilterOptions = {}): Promise<string[]> {
    const { type = Type.product, organization } = options;
    const items = ids.map((id) => ({ resource: { type, id, ...(organization === undefined ? {} : { properties: { organization } }) } }));
    const allowed = await this.#yesOrNo({ subject: { type: Type.user, id: user }, action: { name: action } }, items, options);
    return ids.filter((_, place) => allowed[place]);
  }

  /** Gives every subject that may do this to that, page by page as they are read. */
  searchSubjects(search: SubjectSearch, options?: SearchOptions): AsyncIterableIterator<Subject> {
    return this.#search("subject", search, search.resource, options);
  }

  /** Gives every resource to which they may do this. */
  searchResources(search: ResourceSearch, options?: SearchOptions): AsyncIterableIterator<Resource> {
    return this.#search("resource", search, { id: undefined, ...search.resource }, options);
  }

  /** Gives everything that they may do here. */
  searchActions(search: ActionSearch, options?: SearchOptions): AsyncIterableIterator<ActionOf> {
    return this.#search("action", search, search.resource, options);
  }

  /** Suspends the management of a product for its whole organization. Blocked already is a `conflict`. */
  blockProduct(organization: string, product: string, act: ProductAct, options?: CallOptions): Promise<ProductAnswer> {
    return this.#actOnProduct(organization, product, "block", act, options);
  }

  /** Lifts the block that was made by the same side. Not blocked is a `conflict`. */
  unblockProduct(organization: string, product: string, act: ProductAct, options?: CallOptions): Promise<ProductAnswer> {
    return this.#actOnProduct(organization, product, "unblock", act, options);
  }

  /** Suspends the use of a mail service: mail is received, and nobody can read it. */
  startMaintenance(organization: string, product: string, act: ProductAct, options?: CallOptions): Promise<ProductAnswer> {
    return this.#actOnProduct(organization, product, "start-maintenance", act, options);
  }

  /** Ends the maintenance of a mail service. */
  endMaintenance(organization: string, product: string, act: ProductAct, options?: CallOptions): Promise<ProductAnswer> {
    return this.#actOnProduct(organization, product, "end-maintenance", act, options);
  }

  /** Blocks a user in one organization; nothing of theirs is deleted. */
  blockUser(organization: string, user: string, act: UserAct, options?: CallOptions): Promise<UserAnswer> {
    return this.#actOnUser(organization, user, "block", act, options);
  }

  /** Lifts the block that was made by the same side. */
  unblockUser(organization: string, user: string, act: UserAct, options?: CallOptions): Promise<UserAnswer> {
    return this.#actOnUser(organization, user, "unblock", act, options);
  }

  /** Sends a user the procedure to secure their account, instead of a block. */
  secureUser(organization: string, user: string, act: SecureAct, options?: CallOptions): Promise<UserAnswer> {
    return this.#actOnUser(organization, user, "secure", act, options);
  }

  /** Makes a support code for the acting user; it replaces their old one. Where the answer was lost, make another. */
  async createSupportCode(organization: string, options?: CallOptions): Promise<SupportCode> {
    const { body } = await this.#change("POST", organization, ["support-codes"], {}, options);
    return received<SupportCode>(body, "code");
  }

  /** Tells what blocking a product would do, and does nothing. */
  previewBlockProduct(organization: string, product: string, act: Partial<ProductAct> = {}, options?: CallOptions): Promise<Preview> {
    return this.#preview(organization, ["products", product, "block"], act, options);
  }

  /** Tells what the maintenance of a mail service would do, and does nothing. */
  previewStartMaintenance(organization: string, product: string, act: Partial<ProductAct> = {}, options?: CallOptions): Promise<Preview> {
    return this.#preview(organization, ["products", product, "start-maintenance"], act, options);
  }

  /** Tells what blocking a user would do, does nothing and uses up no code. */
  previewBlockUser(organization: string, user: string, act: Partial<UserAct> = {}, options?: CallOptions): Promise<Preview> {
    return this.#preview(organization, ["users", user, "block"], act, options);
  }

  #with(changed: Partial<Settings>): Client {
    return new Client({ ...this.#settings, ...changed }, this.#revisions, this.#atLeast);
  }

  async #ask(endpoint: string, body: unknown, about: ReadonlySet<string> | undefined, options?: CallOptions): Promise<Answer> {
    const headers = this.#headers();
    const { set, budget } = this.#settings;
    // Other sets know nothing of organizations.
    const atLeast = this.#revisions.header(this.#atLeast, set ? new Set() : about);
    if (atLeast) {
      headers["Cordon-At-Least"] = atLeast;
    }
    const path = [...(set ? ["p", set] : []), "access", "v1", ...endpoint.split("/")];
    return this.#send({ method: "POST", path, body, headers, budget, tries: 2 }, options);
  }

  async #yesOrNo(common: Batch, items: readonly Partial<Question>[], options?: CallOptions): Promise<boolean[]> {
    const allowed: boolean[] = [];
    for (const batch of batches(common, items)) {
      for (const decided of await this.decideAll(batch, options)) {
        allowed.push(yes(decided, `question ${allowed.length + 1}: `));
      }
    }
    return allowed;
  }

  #search<T>(what: "subject" | "resource" | "action", search: object, resource: { type: string; id?: string | undefined; properties?: Properties }, options: SearchOptions = {}) {
    const about = organizations([{ resource: resource as Resource }]);
    const fetchPage = async (page: object) => {
      const body = Object.keys(page).length > 0 ? { ...search, page } : search;
      return (await this.#ask(`search/${what}`, body, about, options)).body;
    };
    return pages<T>(fetchPage, options.pageSize, what === "action" ? "name" : "id");
  }

  async #actOnProduct(organization: string, product: string, act: string, request: ProductAct, options?: CallOptions): Promise<ProductAnswer> {
    const { body } = await this.#change("POST", organization, ["products", product, act], sent(request), options);
    return received<ProductAnswer>(body, "product", "revision");
  }

  async #actOnUser(organization: string, user: string, act: string, request: object, options?: CallOptions): Promise<UserAnswer> {
    const { body } = await this.#change("POST", organization, ["users", user, act], sent(request), options);
    return received<UserAnswer>(body, "user", "revision");
  }

  async #preview(organization: string, path: string[], request: object, options?: CallOptions): Promise<Preview> {
    const call = this.#inOrganization("POST", organization, path, sent(request));
    return received<Preview>((await this.#send({ ...call, query: "preview=true" }, options)).body, "losses", "mailed", "unblockers");
  }

  /** Changes something, and remembers at which revision. */
  async #change(method: "POST" | "DELETE", organization: string, path: string[], body: unknown, options?: CallOptions): Promise<Answer> {
    const call = this.#inOrganization(method, organization, path, body);
    // One key for all tries: one whose answer was lost is not carried out twice.
    call.headers = { ...call.headers, "Idempotency-Key": idempotencyKey() };
    const answer = await this.#send(call, options);
    const revision = Number(answer.headers.get("Cordon-Revision"));
    if (revision > 0) {
      this.#revisions.changed(organization, revision);
    }
    return answer;
  }

  #inOrganization(method: "POST" | "DELETE", organization: string, path: string[], body: unknown): Call {
    return { method, path: ["v1", "organizations", organization, ...path], body, headers: this.#headers(), budget: this.#settings.timeout, tries: 4 };
  }

  #send(call: Call, options?: CallOptions): Promise<Answer> {
    return send(this.#settings, call, options);
  }

  #headers(): Record<string, string> {
    const { actor, agent, language, explain } = this.#settings;
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries({ "Cordon-Actor": actor, "Cordon-Agent": agent, "Accept-Language": language, "Cordon-Explain": explain })) {
      if (value) {
        headers[name] = value;
      }
    }
    return headers;
  }
}

function idempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export { CordonError };
