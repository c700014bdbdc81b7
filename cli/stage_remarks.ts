import type { RunEvent } from "../pipeline/events.ts";
import type { KeyRecord } from "../pipeline/store/records.ts";
import type { Store } from "../pipeline/store/store.ts";

/** What stages said when they ran, out of the events that a store keeps of its runs. */
export class StageRemarks {
  readonly #events = new Map<string, readonly RunEvent[]>();

  constructor(readonly store: Store) {}

  /**
   * What the instance with this key said and warned of; the warnings alone where no run is kept in
   * which it ran.
   */
  of({ key, warnings }: KeyRecord): readonly string[] {
    for (const run of this.store.listRuns().toReversed()) {
      const ran = this.store.readRun(run)?.instances.find((instance) =>
        instance.key === key && instance.state === "ran"
      );
      if (ran === undefined) continue;
      return this.#logs(run).flatMap((event) =>
        event.type === "stage-log" && event.id === ran.id ? [event.message] : []
      );
    }
    return warnings;
  }

  #logs(run: string): readonly RunEvent[] {
    const events = this.#events.get(run) ??
      this.store.runs.events(run).filter(({ type }) => type === "stage-log");
    this.#events.set(run, events);
    return events;
  }
}
