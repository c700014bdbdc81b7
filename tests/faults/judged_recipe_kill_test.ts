import assert from "node:assert/strict";
import { join } from "node:path";
import { Random } from "../../core/random.ts";
import { readJudged } from "../../eval/judge/judged_files.ts";
import {
  ballast,
  ballastJson,
  digestsOf,
  type RunDocument,
  RunningBallast,
} from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { FakeJudge } from "../eval/judge/fake_judge.ts";
import { longerIsBetter } from "../eval/judge/own_benchmarks.ts";
import {
  CONCURRENCY,
  judgedPlace,
  REQUESTS,
  unreliableJudge,
  writeJudgedRecipe,
} from "./judged_recipe.ts";

const KILLS = 20;

/** The names of the answers that a store keeps. */
function keptIn(store: string): Set<string> {
  const names = (path: string) => {
    try {
      return [...Deno.readDirSync(path)].map(({ name }) => name);
    } catch {
      return [];
    }
  };
  const kept = join(store, "judgments");
  return new Set(names(kept).flatMap((part) => names(join(kept, part))));
}

/** Kills command line and worker at once, and waits until both are gone. */
async function killAll(run: RunningBallast): Promise<void> {
  const { pid } = await run.event("stage-started", ({ id }) => id === "judge");
  Deno.kill(pid, "SIGKILL");
  run.kill("SIGKILL");
  assert.equal((await run.ended).code, 137);
}

Deno.test("kill -9 at 20 points of a judged recipe, the judge unreliable: each judgment once, the same table", async () => {
  await using scratch = await ScratchFolder.make();
  await writeJudgedRecipe(scratch.path);
  const args = (store: string) => ["reproduce", "--recipe", "judged.yaml", "--store", store];
  const place = (judge: FakeJudge) => judgedPlace(scratch.path, judge);
  const table = (store: string) =>
    Deno.readTextFile(join(scratch.path, store, "reports/judged/table.txt"));

  await using quiet = new FakeJudge(longerIsBetter);
  const calm = await ballastJson<RunDocument>(args("calm"), place(quiet));
  assert.equal(quiet.seen.length, REQUESTS);

  await using judge = unreliableJudge();
  const store = join(scratch.path, "killed");
  const random = Random.seeded(6, "kill -9 of a judged recipe");
  for (let kill = 1; kill <= KILLS; kill++) {
    const [before, from] = [keptIn(store), judge.seen.length];
    await using run = new RunningBallast(args("killed"), place(judge));
    await run.event("stage-started", ({ id }) => id === "judge");
    const until = from + random.between(1, 6);
    while (judge.seen.length < until) await new Promise((done) => setTimeout(done, 1));
    await new Promise((done) => setTimeout(done, random.between(0, 10)));
    await killAll(run);
    const again = judge.seen.slice(from).filter(({ digest }) => before.has(`${digest}.json`));
    assert.deepEqual(again, [], `after kill ${kill}`);
  }
  assert(keptIn(store).size < REQUESTS, "the last kill came before the end");
  const healed = await ballastJson<RunDocument>(args("killed"), place(judge));
  assert.deepEqual(digestsOf(healed), digestsOf(calm));
  assert.equal(await table("killed"), await table("calm"));

  const digest = digestsOf(healed)["judge:judgments"];
  const { coverage, judgments } = await readJudged(
    join(store, "objects", digest.slice(0, 2), digest),
  );
  assert.deepEqual(coverage, {
    all: REQUESTS,
    scored: REQUESTS,
    unparseable: 0,
    failed: 0,
    unasked: 0,
  });
  assert.equal(new Set(judgments.map(({ request }) => request)).size, REQUESTS);
  assert.deepEqual(
    [...keptIn(store)].toSorted(),
    judgments.map(({ request }) => `${request}.json`).toSorted(),
  );
  const twice = [...judge.answers().values()].filter((count) => count > 1).length;
  assert(twice <= KILLS * CONCURRENCY, `${twice} were under way at a kill and asked for again`);

  const seen = judge.seen.length;
  const { code, stdout } = await ballast(args("killed"), place(judge));
  assert.deepEqual([code, stdout, judge.seen.length], [0, await table("calm"), seen]);
});
