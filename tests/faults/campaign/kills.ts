import { join } from "node:path";
import { entryOf } from "../../../core/instance_id.ts";
import type { Random } from "../../../core/random.ts";
import { RunningBallast } from "../../end_to_end/ballast.ts";
import type { Tell, Verdict } from "./outcome.ts";
import { damageIn, faultAfter, finishedAgain, finishedIn, type Victim } from "./victim.ts";

/** Who is killed: the command line alone, the worker alone, or both at once. */
const WHOM = ["command line", "worker", "both"] as const;

/** How long after its start a stage may be killed, in times of what it takes undisturbed. */
const LATEST = 1.3;

/** The longest wait, in milliseconds, for a stage that is faster the second time. */
const PATIENCE = 20_000;

/** How many kills there are, and where. */
export interface KillOptions {
  /** An empty folder. */
  readonly folder: string;
  readonly kills: number;
  /** Kills of one instance before the next is chosen, so that every kind of stage is hit. */
  readonly each: number;
  readonly random: Random;
}

/**
 * Kills runs with SIGKILL at random points until there were so many kills: each store is gone on with until
 * its recipe is done, then the next is begun. After each kill the store must be whole; no later run may
 * run anew what had finished; the last run must give the undisturbed digests.
 */
export async function killRuns(victim: Victim, options: KillOptions, tell: Tell): Promise<void> {
  const { folder, kills } = options;
  let done = 0;
  for (let round = 0; done < kills; round++) {
    const store = join(folder, `killed-${round}`);
    done += await killUntilDone(victim, store, { ...options, kills: kills - done }, tell);
    await Deno.remove(store, { recursive: true });
  }
}

async function killUntilDone(
  victim: Victim,
  store: string,
  { kills, each, random }: KillOptions,
  tell: Tell,
): Promise<number> {
  const finished = new Set<string>();
  const hits = new Map<string, number>();
  const killed: { kind: string; verdict: Verdict; detail?: string }[] = [];
  while (killed.length < kills) {
    await using run = new RunningBallast(victim.args(store), victim.place);
    const targets = await killIn(run, victim, { hits, each, most: kills - killed.length, random });
    await run.ended;
    const again = finishedAgain(run, finished);
    const damage = await damageIn(store);
    for (const target of targets) {
      killed.push({
        kind: `${victim.name}: kill -9 in \`${entryOf(target)}\``,
        verdict: again !== null ? "lost" : damage !== null ? "wrong" : "healed",
        detail: again ?? damage ?? undefined,
      });
    }
    finishedIn(run.events).forEach((id) => finished.add(id));
    if (targets.length === 0) break;
  }
  const fault = await faultAfter(victim, store);
  for (const { kind, verdict, detail } of killed) {
    const healed = verdict === "healed" && fault !== null;
    tell({
      part: "kill",
      kind,
      verdict: healed ? "wrong" : verdict,
      detail: detail ?? fault ?? undefined,
    });
  }
  return killed.length;
}

/**
 * Kills workers of a run, each at a random moment of its work, until the command line is killed too or the run
 * has ended.
 *
 * @returns the instances in which something was killed
 */
async function killIn(
  run: RunningBallast,
  victim: Victim,
  { hits, each, most, random }: {
    readonly hits: Map<string, number>;
    readonly each: number;
    readonly most: number;
    readonly random: Random;
  },
): Promise<string[]> {
  const targets: string[] = [];
  while (targets.length < most) {
    const may = (id: string) => (hits.get(id) ?? 0) < each && !targets.includes(id);
    const started = await run.event("stage-started", ({ id }) => may(id)).catch(() => null);
    if (started === null) break;
    const delay = random.uniform() * LATEST * (victim.calm.seconds.get(started.id) ?? 1) * 1000;
    await Promise.race([wait(delay), run.ended]);
    const whom = random.pick(WHOM);
    targets.push(started.id);
    hits.set(started.id, (hits.get(started.id) ?? 0) + 1);
    if (whom === "worker") {
      killWorkers(run, (id) => id === started.id);
      continue;
    }
    if (whom === "both") killWorkers(run, () => true);
    run.kill("SIGKILL");
    break;
  }
  return targets;
}

/** Kills the workers that run now. */
function killWorkers(run: RunningBallast, whose: (id: string) => boolean): void {
  const ended = new Set(
    run.events.flatMap((event) =>
      event.type === "stage-finished" || event.type === "stage-failed" ? [event.id] : []
    ),
  );
  for (const event of run.events) {
    if (event.type !== "stage-started" || ended.has(event.id) || !whose(event.id)) continue;
    try {
      Deno.kill(event.pid, "SIGKILL");
    } catch { // it has just ended
    }
  }
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, Math.min(milliseconds, PATIENCE)));
}
