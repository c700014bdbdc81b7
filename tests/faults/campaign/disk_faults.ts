import { join } from "node:path";
import { ballast, RunningBallast } from "../../end_to_end/ballast.ts";
import type { RunEvent } from "../../../pipeline/events.ts";
import { openToyPipeline } from "../../pipeline/toy/pipeline.ts";
import { fillDisk, SmallDisk } from "../small_disk.ts";
import type { Tell, Verdict } from "./outcome.ts";
import { damageIn, faultAfter, type Victim } from "./victim.ts";

/** Sizes of a disk on which the recipe does not fit, from the lock to the last stage. */
const SIZES = ["20k", "40k", "100k", "300k", "512k", "1m", "2m", "3m", "4m", "5m"];

/** Runs on a disk that is full, or read-only, and then on one with room. */
export async function fillDisks(
  victim: Victim,
  { folder, short }: { readonly folder: string; readonly short: boolean },
  tell: Tell,
): Promise<void> {
  for (const size of SIZES.filter((_, i) => !short || i % 4 === 2)) {
    await Deno.mkdir(join(folder, "disk"), { recursive: true });
    using disk = new SmallDisk(join(folder, "disk"), size);
    const store = join(disk.path, "store");
    const full = await ballast(victim.args(store), victim.place);
    const after = outcomeAfter(full, /the disk is full\. Free some space/);
    if (await damageIn(store) !== null) after.verdict = "wrong";
    disk.remount("size=64m");
    tell({ part: "disk", kind: "full", ...await finish(victim, store, after) });
  }
  {
    using disk = new SmallDisk(join(folder, "disk"), "1m");
    const kind = "full when a stage begins that outlives a beat of its lease";
    tell({ part: "disk", kind, ...await outliveBeat(disk.path) });
  }
  for (const running of [false, true]) {
    using disk = new SmallDisk(join(folder, "disk"), "64m");
    const store = join(disk.path, "store");
    const kind = `read-only ${running ? "from the middle of a run" : "before a run"}`;
    const refused = await runReadOnly(victim, { disk, store, running });
    const after = outcomeAfter(refused, /the file system is read-only\. Choose a folder/);
    disk.remount("rw");
    tell({ part: "disk", kind, ...await finish(victim, store, after) });
  }
}

async function runReadOnly(
  victim: Victim,
  { disk, store, running }: { disk: SmallDisk; store: string; running: boolean },
): Promise<{ code: number; stderr: string }> {
  await using run = new RunningBallast(victim.args(store), victim.place);
  await run.event("stage-finished");
  if (running) {
    // Refused while a file is open for writing, which happens between two writes alone.
    while (!disk.tryRemount("ro")) await new Promise((done) => setTimeout(done, 5));
    return await run.ended;
  }
  run.kill("SIGKILL");
  await run.ended;
  while (!disk.tryRemount("ro")) await new Promise((done) => setTimeout(done, 5));
  return await ballast(victim.args(store), victim.place);
}

/** The first stage's end leaves no byte; the room that the run keeps for itself is all there is for the second. */
async function outliveBeat(folder: string): Promise<Ending> {
  const toy = await openToyPipeline(folder);
  const recipe = `recipe: toy
describe: The disk fills up between two stages.
stages:
  source: { params: { value: 3 } }
  slow: { uses: trouble, inputs: { number: source }, params: { how: outlast } }
`;
  const events: RunEvent[] = [];
  const receive = (event: RunEvent) => {
    events.push(event);
    if (event.type === "stage-finished" && event.id === "source") fillDisk(join(folder, "full"));
  };
  const stop = AbortSignal.timeout(60_000);
  const context = { subscribers: [{ receive }], stop, kill: stop };
  const { status, failed } = await toy.run(recipe, { context });
  const starts = events.filter((event) => event.type === "stage-started" && event.id === "slow");
  const warned = events.some((event) =>
    event.type === "stage-log" && /leases.*: the disk is full\. Free/.test(event.message)
  );
  const told = status === "done" || /: the disk is full\. Free/.test(failed[0]?.error);
  if (starts.length !== 1 || !warned || !told) {
    const detail = `begun ${starts.length} times, warned: ${warned}, ${JSON.stringify(failed)}`;
    return { verdict: "wrong", detail };
  }
  await Deno.remove(join(folder, "full"));
  const next = await toy.run(recipe);
  if (next.status !== "done") return { verdict: "wrong", detail: next.failed[0]?.error };
  if (next.ran.includes("source")) return { verdict: "lost", detail: "source ran again" };
  const fault = await damageIn(toy.store.path);
  if (fault !== null) return { verdict: "wrong", detail: fault };
  return { verdict: status === "done" ? "undisturbed" : "told" };
}

type Ending = { verdict: Verdict; detail?: string };

/** A run that ended well needed no word; any other must have told what is wrong and what to do. */
function outcomeAfter({ code, stderr }: { code: number; stderr: string }, says: RegExp): Ending {
  if (code === 0) return { verdict: "undisturbed" };
  if (says.test(stderr) && !/\n +at /.test(stderr)) return { verdict: "told" };
  return { verdict: "wrong", detail: stderr.trim() };
}

async function finish(victim: Victim, store: string, ending: Ending): Promise<Ending> {
  const fault = await faultAfter(victim, store);
  return fault === null ? ending : { verdict: "wrong", detail: fault };
}
