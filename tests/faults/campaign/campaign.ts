import { join } from "node:path";
import { Random } from "../../../core/random.ts";
import { ballast } from "../../end_to_end/ballast.ts";
import { SMALL_TINY } from "../../end_to_end/small_tiny.ts";
import { FakeJudge } from "../../eval/judge/fake_judge.ts";
import { longerIsBetter } from "../../eval/judge/own_benchmarks.ts";
import { judgedPlace, unreliableJudge, writeJudgedRecipe } from "../judged_recipe.ts";
import { canMount } from "../small_disk.ts";
import { canSetClock, jumpWithinRuns, setClocks } from "./clock_faults.ts";
import { fillDisks } from "./disk_faults.ts";
import { killRuns } from "./kills.ts";
import type { Part, Tell } from "./outcome.ts";
import { canTrace, losePower } from "./power_loss.ts";
import { misbehave } from "./stage_faults.ts";
import { damageStores } from "./store_faults.ts";
import { calmRun, type Victim } from "./victim.ts";

/** How large a campaign is. */
export interface CampaignOptions {
  /** An empty folder. */
  readonly folder: string;
  readonly seed: number;
  /** Kills of the recipe `tiny`, and of a judged recipe. */
  readonly kills: { readonly tiny: number; readonly judged: number };
  /** A few faults of each part alone, those that take seconds. */
  readonly short: boolean;
  readonly parts: readonly Part[];
}

/**
 * Makes faults happen and tells of each how it ended; kills go on beside the other faults.
 *
 * @returns what could not be done on this machine, and why
 */
export async function runCampaign(options: CampaignOptions, tell: Tell): Promise<string[]> {
  const kills = options.parts.includes("kill") ? killBoth(options, tell) : Promise.resolve();
  const [skipped] = await Promise.all([runOthers(options, tell), kills]);
  return skipped;
}

async function runOthers(options: CampaignOptions, tell: Tell): Promise<string[]> {
  const { folder, seed, short, parts } = options;
  const random = (part: Part) => Random.seeded(seed, `fault campaign: ${part}`);
  const skipped: string[] = [];
  if (parts.includes("stage")) await misbehave({ short }, tell);
  if (parts.includes("clock")) await jumpWithinRuns(tell);
  const few = await victimOf(folder, "few stages", "demonstration-tokens", "initial");
  if (parts.includes("store")) {
    const base = join(folder, "base");
    await ballast(["run", "world", ...few.args(base).slice(3)], few.place);
    const every = short ? 12 : 1;
    await damageStores(few, { folder, base, random: random("store"), every }, tell);
  }
  if (parts.includes("disk")) {
    if (canMount()) await fillDisks(few, { folder, short }, tell);
    else skipped.push("full and read-only disks: this process may not mount file systems.");
  }
  if (parts.includes("clock")) {
    if (canSetClock()) await setClocks(few, { folder, short }, tell);
    else skipped.push("another time for whole processes: there is no libfaketime.");
  }
  if (parts.includes("power")) {
    if (await canTrace()) {
      const [runs, copies] = short ? [2, 1] : [6, 3];
      await losePower(few, { folder, runs, copies, random: random("power") }, tell);
    } else skipped.push("power losses: there is no strace, or it may not trace.");
  }
  return skipped;
}

async function killBoth(
  { folder, seed, kills, short }: CampaignOptions,
  tell: Tell,
): Promise<void> {
  const each = short ? 1 : 3;
  const random = (name: string) => Random.seeded(seed, `fault campaign: kill -9 of ${name}`);
  if (kills.tiny > 0) {
    const tiny = await victimOf(folder, "tiny", "report");
    const options = { folder, kills: kills.tiny, each, random: random("tiny") };
    await killRuns(tiny, options, tell);
  }
  if (kills.judged === 0) return;
  const place = join(folder, "judged");
  await Deno.mkdir(place);
  await writeJudgedRecipe(place);
  const args = (store: string) => ["reproduce", "--recipe", "judged.yaml", "--store", store];
  await using quiet = new FakeJudge(longerIsBetter);
  const calm = await calmRun(
    { args, place: judgedPlace(place, quiet) },
    join(folder, "calm-judged"),
  );
  await using judge = unreliableJudge();
  const victim: Victim = { name: "judged", args, place: judgedPlace(place, judge), calm };
  await killRuns(victim, { folder, kills: kills.judged, each, random: random("judged") }, tell);
}

/** `tiny` with few of everything, up to some stages; `run STAGE STAGE …` and then the settings. */
async function victimOf(folder: string, name: string, ...stages: string[]): Promise<Victim> {
  const args = (store: string) => ["run", ...stages, ...SMALL_TINY, "--store", store];
  const calm = await calmRun(
    { args, place: {} },
    join(folder, `calm-${name.replaceAll(" ", "-")}`),
  );
  return { name, args, place: {}, calm };
}
