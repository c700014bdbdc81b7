import type { EventSubscriber, RunEvent } from "../events.ts";
import type { Writer } from "./output.ts";

/** Writes every event as one line of JSON, for programs. */
export class NdjsonReporter implements EventSubscriber {
  constructor(readonly writer: Pick<Writer, "write">) {}

  receive(event: RunEvent): void {
    this.writer.write(`${JSON.stringify(event)}\n`);
  }
}
