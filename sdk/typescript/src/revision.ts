/** The most organizations that one request may name in Cordon-At-Least, and the most that are remembered. */
const most = 16;
const mostRemembered = 1_024;

/**
 * How long a change of this client is carried. A server that is further behind than its `max-staleness`, a minute at most,
 * answers no questions at all, so a revision says nothing new by then; and an organization that was removed since would
 * have every question refused.
 */
const carried = 65_000;

/** The revisions that decisions must know of: those of what this client changed, and those that it was told. */
export class Revisions {
  readonly #now: () => number;
  readonly #changed = new Map<string, { revision: number; until: number }>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Remembers a change, which all clients that share this know of from then on. */
  changed(organization: string, revision: number): void {
    const before = this.#changed.get(organization);
    this.#changed.delete(organization); // the newest stand last
    this.#changed.set(organization, { revision: Math.max(revision, before?.revision ?? 0), until: this.#now() + carried });
    for (const oldest of this.#changed.keys()) {
      if (this.#changed.size <= mostRemembered) {
        break;
      }
      this.#changed.delete(oldest);
    }
  }

  /**
   * The value of Cordon-At-Least. Where it is known which organization the questions are about, the others are left out.
   * What was asked for by name comes before what was changed, of which the newest are named where there are too many.
   */
  header(asked: ReadonlyMap<string, number>, about: ReadonlySet<string> | undefined): string {
    const all = new Map(asked);
    for (const [organization, { revision, until }] of [...this.#changed].reverse()) {
      if (until <= this.#now()) {
        this.#changed.delete(organization);
      } else if (all.has(organization) || !about || about.has(organization)) {
        all.set(organization, Math.max(revision, all.get(organization) ?? 0));
      }
    }
    return [...all].slice(0, Math.max(most, asked.size)).map(([organization, revision]) => `${organization}=${revision}`).join(", ");
  }
}
