import type { RunEvent } from "../events.ts";
import { visibleText } from "../../core/visible_text.ts";

const KEPT_LINES = 20;

/** The last log lines of each running stage, shown when it fails. */
export class StageLogs {
  #lines = new Map<string, string[]>();

  /** Remembers a log line; forgets those of a stage that is done. */
  receive(event: RunEvent): void {
    if (event.type === "stage-finished") this.#lines.delete(event.id);
    if (event.type !== "stage-log") return;
    const lines = this.#lines.get(event.id) ?? [];
    lines.push(...visibleText(event.message, { keepLines: true }).split("\n"));
    this.#lines.set(event.id, lines.slice(-KEPT_LINES));
  }

  /** The last lines of a stage, oldest first. */
  of(id: string): readonly string[] {
    return this.#lines.get(id) ?? [];
  }
}
