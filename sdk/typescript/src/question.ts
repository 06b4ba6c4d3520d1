import { type ActionName, type ChannelName, type ReasonCode, type SemanticName, Type, type TypeName } from "./words.js";

/** Anything that JSON can say, by name. */
export type Properties = Record<string, unknown>;

/** Who would act. */
export interface Subject {
  type: TypeName;
  id: string;
  properties?: Properties;
}

/** What they would do. */
export interface ActionOf {
  name: ActionName;
  properties?: Properties;
}

/** What they would do it to. Users and channels need the property `organization`. */
export interface Resource {
  type: TypeName;
  id: string;
  properties?: Properties;
}

/** One question, as AuthZEN 1.0 has it (6.1). */
export interface Question {
  subject: Subject;
  action: ActionOf;
  resource: Resource;
  context?: Properties;
}

/** Many questions at once (AuthZEN 1.0, 7.1). Its own members are defaults, which those of an item replace as a whole. */
export interface Batch extends Partial<Question> {
  evaluations?: Partial<Question>[];
  options?: { evaluations_semantic?: SemanticName };
}

/** What a question is about, in short: the id of a product, or any resource with what its question needs. */
export type Target =
  | string
  | {
      type: TypeName;
      id: string;
      /** Of a user or a channel: whose it is. */
      organization?: string;
      /** Of an action on mail: by which channel. */
      channel?: ChannelName;
    };

/** Makes the question whether a user may do something: `question("carol", "manage", "web-1")`. */
export function question(user: string, action: ActionName, target: Target): Question {
  const about = typeof target === "string" ? { type: Type.product, id: target } : target;
  const asked: Question = {
    subject: { type: Type.user, id: user },
    action: { name: action },
    resource: { type: about.type, id: about.id },
  };
  if ("channel" in about && about.channel !== undefined) {
    asked.action.properties = { channel: about.channel };
  }
  if ("organization" in about && about.organization !== undefined) {
    asked.resource.properties = { organization: about.organization };
  }
  return asked;
}

/** Why a decision is what it is: a code for programs, and a sentence for the person concerned. */
export interface ReasonOf {
  code: ReasonCode;
  message: string;
}

/** One text by language, such as `en`, `fr` and `de`. */
export type Texts = Record<string, string>;

/** The answer to a question, and where it stands in the record. */
export interface Decision {
  allowed: boolean;
  /** All that hold, the decisive first; a yes has one, too. */
  reasons: ReasonOf[];
  /** Of the reasons' messages. */
  language?: string;
  /** The decision in sentences for the person concerned, where `explain("user")` asks for it. */
  reasonUser?: Texts;
  /** The same for an administrator, where `explain("admin")` asks for it. */
  reasonAdmin?: Texts;
  /** What the answer's context held, whole: a policy set of an operator puts into it what it likes. */
  context?: Properties;
  /** Why an item of a batch could not be decided. It is not allowed then. */
  error?: { status: number; message: string };
  /** Of the decision's record; of a batch, what the records of its items carry. */
  id: string;
  /** Digest of the policy that decided. */
  policy: string;
  /** The organization's that it was decided at; 0 where none is concerned, or several. */
  revision: number;
}
