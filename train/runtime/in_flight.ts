/** What native code may be reading or writing: reachable from here, so never collected meanwhile. */
const HELD = new Set<object>();

/** The runs of one session that have not ended. */
export class InFlight {
  readonly #runs = new Set<Promise<unknown>>();

  /** Follows a run, and holds what it uses until it has ended. */
  async follow<T>(run: Promise<T>, uses: readonly unknown[]): Promise<T> {
    this.#runs.add(run);
    HELD.add(uses);
    try {
      return await run;
    } finally {
      HELD.delete(uses);
      this.#runs.delete(run);
    }
  }

  /** Waits until every run has ended, however it did. */
  async settled(): Promise<void> {
    while (this.#runs.size > 0) await Promise.allSettled(this.#runs);
  }
}
