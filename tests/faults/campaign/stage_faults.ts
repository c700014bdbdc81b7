import { GOOD, type Mischief, MISCHIEFS } from "../../pipeline/toy/mischief.ts";
import { openToyPipeline, type ToyPipeline } from "../../pipeline/toy/pipeline.ts";
import type { RunResult } from "../../../pipeline/run.ts";
import type { Outcome, Tell } from "./outcome.ts";

/** Those that do nothing wrong with their results, only too much of something else. */
const HARMLESS: readonly Mischief[] = ["print-line", "print-lines", "log-much"];
/** Those that never end; a person ends them. */
const ENDLESS: readonly Mischief[] = ["hang", "spin"];
/** What takes long: left out of the short form. */
const SLOW: readonly Mischief[] = ["leak", "print-line", "print-lines"];

/** What the message of each failure says. */
const MESSAGES: Readonly<Partial<Record<Mischief, RegExp>>> = {
  leak: /out of memory/,
  die: /signal SIGKILL/,
  throw: /it threw/,
  fork: /run access .*not among its permissions/,
  connect: /net access .*not among its permissions/,
  "read-outside": /read access .*not among its permissions/,
  "write-outside": /write access .*not among its permissions/,
  "write-input": /write access .*not among its permissions/,
  "no-output": /mischief wrote nothing to its output number/,
  "no-file": /number\.json/,
  "wrong-form": /Expected a number but found ""/,
  link: /not among its permissions/,
  "link-outside": /not among its permissions/,
  "folder-for-file": /a folder is in the way/,
  manifest: /no file named artifact\.json/,
  "false-result": /Expected digest to be a SHA-256/,
  "half-result": /ended without a result/,
  "exit-0": /ended without a result/,
};

/** Milliseconds that a stage which never ends is left alone, and to heed the first Ctrl-C. */
const PATIENCE = 1500;

/** Runs a stage that misbehaves once in each way; the run after it must end well. */
export async function misbehave({ short }: { readonly short: boolean }, tell: Tell): Promise<void> {
  for (const how of MISCHIEFS) {
    if (short && SLOW.includes(how)) continue;
    await using toy = await openToyPipeline();
    tell({ part: "stage", kind: `a stage that does: ${how}`, ...await outcomeOf(toy, how) });
  }
}

async function outcomeOf(
  toy: ToyPipeline,
  how: Mischief,
): Promise<Pick<Outcome, "verdict" | "detail">> {
  const recipe = `recipe: mischief
describe: A stage that misbehaves once.
stages:
  source: { params: { value: 3 } }
  mischief: { inputs: { number: source }, params: { how: ${how} } }
`;
  const [stop, kill] = [new AbortController(), new AbortController()];
  const timers = ENDLESS.includes(how)
    ? [setTimeout(() => stop.abort(), PATIENCE), setTimeout(() => kill.abort(), 2 * PATIENCE)]
    : [];
  const first = await toy.run(recipe, { context: { stop: stop.signal, kill: kill.signal } });
  timers.forEach(clearTimeout);
  const unexpected = surprise(first, how);
  if (unexpected !== null) return { verdict: "wrong", detail: unexpected };
  const events = toy.events.reduce((sum, event) => sum + JSON.stringify(event).length, 0);
  if (events > 32e6) return { verdict: "wrong", detail: `its events take ${events} characters` };
  const next = await toy.run(recipe);
  if (next.status !== "done" || toy.number(next, "mischief") !== GOOD) {
    return { verdict: "wrong", detail: `the next run: ${JSON.stringify(next.failed)}` };
  }
  if (next.ran.includes("source")) return { verdict: "lost", detail: "source ran again" };
  return { verdict: HARMLESS.includes(how) ? "undisturbed" : "healed" };
}

function surprise({ status, failed }: RunResult, how: Mischief): string | null {
  const expected = HARMLESS.includes(how)
    ? "done"
    : ENDLESS.includes(how)
    ? "interrupted"
    : "failed";
  if (status !== expected) return `the run is ${status}, not ${expected}`;
  const error = failed[0]?.error ?? "";
  if (error.length > 100_000) return `its message has ${error.length} characters`;
  const message = MESSAGES[how];
  return message === undefined || message.test(error)
    ? null
    : `its message: ${error.slice(0, 500)}`;
}
