/** A token, and until when it may be used: a date, or milliseconds since 1970. Without, until the server refuses it. */
export interface Token {
  token: string;
  expiresAt?: Date | number;
}

/** Gives a token of the issuer that the server trusts. It is asked again when the time that it told is over. */
export type TokenSource = (signal: AbortSignal) => Token | string | Promise<Token | string>;

/** How long before its end a token is not used any more: it has to arrive. */
const early = 10_000;

/** Keeps the token of a source until its end. */
export class Tokens {
  readonly #source: TokenSource;
  readonly #now: () => number;
  #kept: { token: string; until: number } | undefined;
  #asking: Promise<string> | undefined;

  constructor(source: TokenSource, now: () => number) {
    this.#source = source;
    this.#now = now;
  }

  /** Gives a token. Calls that need one at the same time share what the source gives. */
  get(signal: AbortSignal): Promise<string> {
    if (this.#kept && this.#now() < this.#kept.until) {
      return Promise.resolve(this.#kept.token);
    }
    if (!this.#asking) {
      const asking = this.#ask().finally(() => {
        if (this.#asking === asking) {
          this.#asking = undefined;
        }
      });
      asking.catch(() => undefined); // whoever waits is told
      this.#asking = asking;
    }
    return whileWaiting(this.#asking, signal);
  }

  /** Forgets a token that the server refused; one that came meanwhile is kept. */
  forget(token: string): void {
    if (this.#kept?.token === token) {
      this.#kept = undefined;
    }
  }

  async #ask(): Promise<string> {
    // Not the signal of one call: others wait for the same token, and the next one can use it.
    const end = AbortSignal.timeout(30_000);
    const given = await whileWaiting(Promise.resolve(this.#source(end)), end);
    const { token, expiresAt } = typeof given === "string" ? { token: given, expiresAt: undefined } : given;
    if (typeof token !== "string" || token === "") {
      throw new Error("the token source gave no token");
    }
    this.#kept = { token, until: expiresAt === undefined ? Infinity : Number(expiresAt) - early };
    return token;
  }
}

/** Waits for a promise until a signal says to stop; what is waited for goes on, and how it ends is nobody's concern then. */
export function whileWaiting<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(signal.reason);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
    if (signal.aborted) {
      stop();
    } else {
      signal.addEventListener("abort", stop, { once: true });
    }
  });
}
