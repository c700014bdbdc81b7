import assert from "node:assert/strict";
import type { RunEvent } from "../../../pipeline/events.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { verifyStore } from "../../../pipeline/verify.ts";
import {
  digestsOf,
  type Place,
  type RunDocument,
  RunningBallast,
} from "../../end_to_end/ballast.ts";

/** A recipe to be disturbed, and what it gives when it is not. */
export interface Victim {
  readonly name: string;
  /** The words of the run with a store of its own. */
  args(store: string): string[];
  readonly place: Place;
  readonly calm: {
    /** By `instance:port`. */
    readonly digests: Readonly<Record<string, string>>;
    /** How long each instance took. */
    readonly seconds: ReadonlyMap<string, number>;
  };
}

/** Runs a recipe undisturbed, in a store of its own. */
export async function calmRun(
  { args, place }: Pick<Victim, "args" | "place">,
  store: string,
): Promise<Victim["calm"]> {
  await using run = new RunningBallast([...args(store), "--json"], place);
  const { code, stdout, stderr } = await run.ended;
  assert.equal(code, 0, stderr);
  const finished = run.events.filter((event) => event.type === "stage-finished");
  return {
    digests: digestsOf(JSON.parse(stdout) as RunDocument),
    seconds: new Map(finished.map(({ id, seconds }) => [id, seconds])),
  };
}

/** Ids of the stages that a run finished. */
export function finishedIn(events: readonly RunEvent[]): string[] {
  return events.filter((event) => event.type === "stage-finished").map(({ id }) => id);
}

/** A stage that had finished before a run and was started in it, in words; else null. */
export function finishedAgain(run: RunningBallast, finished: ReadonlySet<string>): string | null {
  const again = run.events.find((event) =>
    event.type === "stage-started" && finished.has(event.id)
  );
  return again?.type === "stage-started" ? `${again.id} ${RAN_AGAIN}` : null;
}

const RAN_AGAIN = "had finished and ran again";

/** How a fault ended, by what was wrong after it. */
export function verdictOf(fault: string | null): "healed" | "lost" | "wrong" {
  if (fault === null) return "healed";
  return fault.endsWith(RAN_AGAIN) ? "lost" : "wrong";
}

/**
 * Runs to the end, and requires the undisturbed digests and a whole store.
 *
 * @returns what is wrong, else null
 */
export async function faultAfter(
  victim: Victim,
  store: string,
  { environment = {}, finished = new Set() }: {
    environment?: Readonly<Record<string, string>>;
    /** Ids of stages that must not run again. */
    finished?: ReadonlySet<string>;
  } = {},
): Promise<string | null> {
  const place = { ...victim.place, environment: { ...victim.place.environment, ...environment } };
  await using run = new RunningBallast([...victim.args(store), "--json"], place);
  const { code, stdout, stderr } = await run.ended;
  if (code !== 0) return `the next run ended with ${code}: ${stderr.trim()}`;
  const digests = digestsOf(JSON.parse(stdout) as RunDocument);
  for (const [artifact, digest] of Object.entries(victim.calm.digests)) {
    if (digests[artifact] !== digest) return `${artifact} is ${digests[artifact]}, not ${digest}`;
  }
  return await damageIn(store) ?? finishedAgain(run, finished);
}

/** What `verify` finds in a store, else null. */
export async function damageIn(store: string): Promise<string | null> {
  const { damages } = await verifyStore(Store.open(store));
  if (damages.length === 0) return null;
  return damages.map(({ path, faults }) => `${path}: ${faults.join(", ")}`).join("; ");
}
