/**
 * A pipeline in a process of its own, over the store that a toy pipeline made in the folder of its first
 * argument; the second is the recipe's text. Prints every event as it happens, then the result.
 */
import type { RunEvent } from "../../../pipeline/events.ts";
import { openToyPipeline } from "./pipeline.ts";

/** What a child prints last. */
export interface ChildResult {
  readonly status: string;
  readonly run: string;
  readonly ran: readonly string[];
  /** The digest of each instance's number. */
  readonly digests: Readonly<Record<string, string>>;
}

if (import.meta.main) {
  const [folder, recipe] = Deno.args;
  const print = (value: unknown) =>
    Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
  const toy = await openToyPipeline(folder);
  const subscriber = { receive: (event: RunEvent) => void print(event) };
  const result = await toy.run(recipe, { context: { subscribers: [subscriber] } });
  const digests = Object.fromEntries(
    [...result.records].map(([id, { outputs }]) => [id, outputs.number.digest]),
  );
  const { status, run, ran } = result;
  print({ status, run, ran, digests });
}
