import { openToyPipeline } from "../../pipeline/toy/pipeline.ts";
import { ballast } from "../../end_to_end/ballast.ts";
import type { Tell } from "./outcome.ts";
import { faultAfter, type Victim } from "./victim.ts";

/** Where libfaketime lies where Debian's package `faketime` is installed. */
const LIBRARY = `/usr/lib/${Deno.build.arch}-linux-gnu/faketime/libfaketime.so.1`;

/** True where the clock of a process can be set. */
export function canSetClock(): boolean {
  try {
    return Deno.statSync(LIBRARY).isFile;
  } catch {
    return false;
  }
}

/**
 * How a segmentation fault shows. Under libfaketime about one start of Deno in 400 ends in one, of a program
 * of one line too: the run is then made again on what it left, which must heal it.
 */
const CRASHED = /\b139\b|SIGSEGV/;

/** Offsets of the clock between two runs on one store. */
const JUMPS = ["-30y", "-1d", "-1h", "+1h", "+1d", "+10y"];

/** Runs half of a recipe now and the rest under another time; and the other way round. */
export async function setClocks(
  victim: Victim,
  { folder, short }: { readonly folder: string; readonly short: boolean },
  tell: Tell,
): Promise<void> {
  for (const jump of JUMPS.filter((_, i) => !short || i % 3 === 1)) {
    const environment = { LD_PRELOAD: LIBRARY, FAKETIME: jump };
    for (const first of [true, false]) {
      const store = `${folder}/clock${jump}${first}`;
      const [before, after] = first ? [environment, {}] : [{}, environment];
      const half = () =>
        ballast(["run", "world", ...victim.args(store).slice(3)], {
          ...victim.place,
          environment: before,
        }).then(({ code, stderr }) => code === 0 ? null : `it ended with ${code}: ${stderr}`);
      const rest = () => faultAfter(victim, store, { environment: after });
      const made = [await unlessCrashed(half), await unlessCrashed(rest)];
      const detail = made.flatMap(({ fault }) => fault ?? []).join("; ");
      const verdict = made.some(({ crashed }) => crashed) ? "healed" : "undisturbed";
      const kind = `the clock is ${jump} ${first ? "before" : "from"} the second run`;
      tell({ part: "clock", kind, ...(detail ? { verdict: "wrong", detail } : { verdict }) });
      await Deno.remove(store, { recursive: true });
    }
  }
}

/** What was wrong with a run, which is made once more where libfaketime ended it. */
async function unlessCrashed(run: () => Promise<string | null>) {
  const fault = await run();
  const crashed = fault !== null && CRASHED.test(fault);
  return { fault: crashed ? await run() : fault, crashed };
}

/** Lets the clock jump while a run goes on: it is a parameter of the engine. */
export async function jumpWithinRuns(tell: Tell): Promise<void> {
  const recipe = `recipe: clock
describe: Stages under a clock that jumps.
stages:
  source: { params: { value: 3 } }
  twice: { uses: multiply, inputs: { number: source }, params: { factor: 2 } }
  all: { uses: total, inputs: { numbers: [source, twice] } }
`;
  const day = 86_400_000;
  for (const step of [-365 * day, -day, -1, 0, day, 365 * day]) {
    await using toy = await openToyPipeline();
    let now = Date.now();
    const result = await toy.run(recipe, { context: { now: () => now += step } });
    const fine = result.status === "done" && toy.number(result, "all") === 9;
    const again = fine ? await toy.run(recipe) : null;
    const verdict = !fine ? "wrong" : again!.ran.length > 0 ? "lost" : "undisturbed";
    tell({ part: "clock", kind: "the clock jumps at every look at it", verdict });
  }
}
