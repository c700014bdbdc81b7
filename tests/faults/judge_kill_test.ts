import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Random } from "../../core/random.ts";
import { judgeItems } from "../../eval/judge/judge_items.ts";
import { writeJudged } from "../../eval/judge/judged_files.ts";
import { asking, PACE } from "../eval/judge/asking.ts";
import { FakeJudge, type Mishap } from "../eval/judge/fake_judge.ts";
import { pairItems, PAIRS, preferLonger } from "../eval/judge/judged_pairs.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";

const REQUESTS = 120;
const KILLS = 20;

/** What may happen to the first attempts of a request: one of these in turn, every third time nothing. */
const MISHAPS: readonly (Mishap | null)[] = [
  { kind: "status", status: 429, headers: { "retry-after-ms": "10" } },
  { kind: "cut" },
  null,
  { kind: "status", status: 500 },
  { kind: "nonsense" },
  null,
  { kind: "slow", milliseconds: 20 },
  { kind: "trickle" },
  null,
];

function unreliableJudge(): FakeJudge {
  let asked = 0;
  return new FakeJudge(preferLonger, (_, before) => {
    asked++;
    return before > 3 ? null : MISHAPS[asked % MISHAPS.length];
  });
}

function start(folder: string, judge: FakeJudge): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--cached-only", "--allow-net=127.0.0.1", "--allow-read"],
      ...[`--allow-write=${folder}`, fileURLToPath(new URL("judge_child.ts", import.meta.url))],
      ...[folder, judge.baseUrl],
    ],
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

function keptIn(folder: string): Set<string> {
  const kept = `${folder}/kept`;
  const names = (path: string) => {
    try {
      return [...Deno.readDirSync(path)].map(({ name }) => name);
    } catch {
      return [];
    }
  };
  return new Set(names(kept).flatMap((part) => names(`${kept}/${part}`)));
}

/** What was asked from a place on and is not kept, once nothing more arrives from whoever was killed. */
async function underWay(judge: FakeJudge, from: number, folder: string): Promise<Set<string>> {
  for (let seen = -1; seen !== judge.seen.length;) {
    seen = judge.seen.length;
    await new Promise((done) => setTimeout(done, 30));
  }
  const kept = keptIn(folder);
  const asked = judge.seen.slice(from).map(({ digest }) => digest);
  return new Set(asked.filter((digest) => !kept.has(`${digest}.json`)));
}

async function tableIn(folder: string): Promise<string[]> {
  const names = ["summary.json", "items.jsonl", "judgments.jsonl"];
  return await Promise.all(names.map((name) => Deno.readTextFile(`${folder}/table/${name}`)));
}

Deno.test("kill -9 at 20 points of judging: each answer is kept once, none is asked for again, the table is the same", async () => {
  await using scratch = await ScratchFolder.make();
  const [calm, killed] = [`${scratch.path}/calm`, `${scratch.path}/killed`];
  await using quiet = new FakeJudge(preferLonger);
  assert.equal((await start(calm, quiet).status).code, 0);
  assert.equal(quiet.seen.length, REQUESTS);

  await using judge = unreliableJudge();
  const random = Random.seeded(6, "kill -9 while judging");
  let kills = 0;
  const timesLost = new Map<string, number>();
  while (kills < KILLS) {
    const before = keptIn(killed);
    const from = judge.seen.length;
    const child = start(killed, judge);
    const until = from + random.between(1, 8);
    while (judge.seen.length < until) await new Promise((done) => setTimeout(done, 1));
    await new Promise((done) => setTimeout(done, random.between(0, 12)));
    child.kill("SIGKILL");
    assert.equal((await child.status).signal, "SIGKILL");
    kills++;
    const again = judge.seen.slice(from).filter(({ digest }) => before.has(`${digest}.json`));
    assert.deepEqual(again, [], `after kill ${kills}`);
    const lost = await underWay(judge, from, killed);
    assert(lost.size <= PACE.concurrency, `kill ${kills} lost ${lost.size} answers`);
    for (const digest of lost) timesLost.set(digest, (timesLost.get(digest) ?? 0) + 1);
  }
  const left = REQUESTS - keptIn(killed).size;
  assert(left > 0, "the last kill came before the end");
  assert.equal((await start(killed, judge).status).code, 0);

  const kept = [...keptIn(killed)];
  assert.equal(kept.length, REQUESTS);
  assert(kept.every((name) => /^[0-9a-f]{64}\.json$/.test(name)));
  const answers = judge.answers();
  assert.equal(answers.size, REQUESTS);
  for (const [digest, count] of answers) {
    const most = 1 + (timesLost.get(digest) ?? 0);
    assert(count <= most, `${digest}: answered ${count} times, under way at ${most - 1} kills`);
  }
  assert.deepEqual(await tableIn(killed), await tableIn(calm));

  const seen = judge.seen.length;
  assert.equal((await start(killed, judge).status).code, 0);
  assert.equal(judge.seen.length, seen, "the second run asks nothing");
  const elsewhere = `${scratch.path}/elsewhere`;
  await Deno.mkdir(`${elsewhere}/table`, { recursive: true });
  await Deno.rename(`${killed}/kept`, `${elsewhere}/kept`);
  const offline = await judgeItems(pairItems(60), PAIRS, asking(elsewhere, null));
  assert.deepEqual(offline.coverage, {
    all: 120,
    scored: 120,
    unparseable: 0,
    failed: 0,
    unasked: 0,
  });
  await writeJudged(`${elsewhere}/table`, offline);
  assert.deepEqual(await tableIn(elsewhere), await tableIn(calm));
});
