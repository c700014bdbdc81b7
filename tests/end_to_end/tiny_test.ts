import assert from "node:assert/strict";
import { join } from "node:path";
import type { PromptRecord } from "../../core/prompt_record.ts";
import type { Results } from "../../core/results.ts";
import type { ScoreTable } from "../../core/score_table.ts";
import {
  ballast,
  ballastJson,
  digestsOf,
  type PlanDocument,
  PROJECT,
  type RunDocument,
} from "./ballast.ts";
import { copyProject } from "./project_copy.ts";
import { ScratchFolder } from "./scratch_folder.ts";
import { SMALL_TINY } from "./small_tiny.ts";

const SEED = "@seed=0";
/** What follows from β, which the SFT methods do not have. */
const AFTER_BETA = [
  ...["dpo", "rpo-sum", "rpo-sequence-mean"].map((method) => `train/${method}${SEED}`),
  ...["dpo", "rpo-sum", "rpo-sequence-mean"].map((method) => `curve/${method}${SEED}`),
  `stopped/dpo${SEED}`,
  `evaluate-stopped/dpo${SEED}`,
  ...["dpo", "rpo-sum", "rpo-sequence-mean"].map((method) => `evaluate/${method}${SEED}`),
  ...["dpo", "rpo-sum", "rpo-sequence-mean"].map((method) => `judge/${method}${SEED}`),
  "score",
  "compare",
  "report",
];

const notCached = ({ stages }: Pick<PlanDocument, "stages">) =>
  stages.filter(({ state }) => state !== "cached").map(({ id }) => id);

Deno.test("the recipe tiny, from an empty store to its table and back", async (t) => {
  await using scratch = await ScratchFolder.make();
  const store = join(scratch.path, "store");
  const here = [...SMALL_TINY, "--store", store];
  let made: RunDocument;
  const plan = (...more: string[]) => ballastJson<PlanDocument>(["plan", ...here, ...more]);

  await t.step("plan on an empty store: all is missing, nothing is written", async () => {
    const { recipe, stages } = await plan();
    assert.equal(recipe, "tiny");
    assert.equal(stages.length, 34);
    assert.deepEqual(new Set(stages.map(({ state }) => state)), new Set(["missing"]));
    await assert.rejects(Deno.stat(store), Deno.errors.NotFound);
  });

  await t.step("reproduce exits 0, prints the table and writes the report", async () => {
    const { code, stdout, stderr } = await ballast(["reproduce", ...here]);
    assert.equal(code, 0, stderr);
    for (const system of ["Ref", "SFT on chosen", "DPO", "RPO sum", "RPO sequence_mean"]) {
      assert.match(stdout, new RegExp(`^${system} +[−\\d]`, "m"));
    }
    const reports = join(store, "reports", "tiny");
    assert(stderr.includes(`Report: ${reports}/index.html`), stderr);
    const files = ["index.html", "report.md", "report.tex", "table.csv", "table.txt"];
    for (const file of files) assert((await Deno.stat(join(reports, file))).size > 500, file);
    assert.equal(await Deno.readTextFile(join(reports, "table.txt")), stdout);
    const figures = [...Deno.readDirSync(join(reports, "figures"))].map(({ name }) => name);
    const svg = figures.filter((name) => name.endsWith(".svg"));
    const png = figures.filter((name) => name.endsWith(".png"));
    assert.equal(svg.length, 7, `${figures}`);
    assert.equal(png.length, svg.length);
    const page = await Deno.readTextFile(join(reports, "index.html"));
    assert.doesNotMatch(page, /<(script|link|img)[^>]+(src|href)="http/, "self-contained");
    for (const file of [...files, "report.json", "provenance.json"]) {
      const text = await Deno.readTextFile(join(reports, file));
      for (const path of [scratch.path, PROJECT]) assert(!text.includes(path), `${file}: ${path}`);
    }
    const { records } = JSON.parse(/id="prompt-data">(.*?)<\/script>/s.exec(page)![1]) as {
      records: PromptRecord[];
    };
    const judged = records.flatMap(({ verdicts = [] }) => verdicts);
    for (const method of ["sft", "dpo", "rpo-sum", "rpo-sequence-mean"]) {
      assert(judged.some(({ systems }) => systems.join() === `ref,${method}`), method);
    }
    assert(judged.every(({ judge, swapped }) => judge === "gold" && swapped === null));
  });

  await t.step("reproduce again runs no stage and prints the same table", async () => {
    const page = join(store, "reports", "tiny", "index.html");
    const { mtime } = await Deno.stat(page);
    const again = await ballast(["reproduce", ...here, "--progress", "plain"]);
    assert.equal(again.code, 0);
    assert.match(again.stderr, /nothing to do, 34 stages cached/);
    assert.equal(again.stdout, await Deno.readTextFile(join(store, "reports/tiny/table.txt")));
    assert.deepEqual((await Deno.stat(page)).mtime, mtime, "the page is left alone");
    assert.deepEqual(notCached(await plan()), []);
  });

  await t.step("another empty store gives the same digest for every artifact", async () => {
    const other = [...SMALL_TINY, "--store", join(scratch.path, "other"), "--cores", "3"];
    const second = await ballastJson<RunDocument>(["reproduce", ...other]);
    assert.equal(second.ran.length, 34);
    const first = made = await ballastJson<RunDocument>(["reproduce", ...here]);
    assert.deepEqual([first.ran.length, first.cached.length], [0, 34]);
    assert.deepEqual(digestsOf(second), digestsOf(first));
    assert.equal(Object.keys(digestsOf(first)).length, 57);
  });

  await t.step("the gold judge's win rates are those of the comparison", async () => {
    const { stages } = made;
    const read = async (id: string, port: string, file: string) => {
      const { digest } = stages.find((stage) => stage.id === id)!.outputs[port];
      const folder = join(store, "objects", digest.slice(0, 2), digest);
      return JSON.parse(await Deno.readTextFile(join(folder, file)));
    };
    const [{ rows }] = await read("score", "scores", "scores.json") as ScoreTable[];
    const { comparisons } = await read("compare", "results", "results.json") as Results;
    assert.deepEqual(rows.map(({ id }) => id), [
      ...["sft:ref", "dpo:ref", "rpo-sum:ref", "rpo-sequence-mean:ref"],
    ]);
    for (const { id, values } of rows) {
      const { wins, losses, ties, winRate } = comparisons.find(({ a, b, metric }) =>
        metric === "gold" && `${a}:${b}` === id
      )!;
      const { mean: value, ci95, n } = winRate;
      assert.deepEqual(values.winRate, { value, ci95, n }, id);
      const counts = [values.wins, values.losses, values.ties].map((score) => score!.value);
      assert.deepEqual(counts, [wins, losses, ties], id);
    }
  });

  await t.step(
    "export: the model's own bytes, and cards that say what the store knows",
    async () => {
      const { folder } = await ballastJson<{ folder: string }>(
        ["export", "train/rpo-sum", ...here, "--out", join(scratch.path, "exported")],
      );
      const { stages } = made;
      const outputsOf = (id: string) => stages.find((stage) => stage.id === id)!.outputs;
      const model = outputsOf(`train/rpo-sum${SEED}`).model.digest;
      const original = join(store, "objects", model.slice(0, 2), model, "model.safetensors");
      const weights = await Deno.readFile(join(folder, "model.safetensors"));
      assert.deepEqual(weights, await Deno.readFile(original));
      const card = await Deno.readTextFile(join(folder, "README.md"));
      for (
        const text of [
          ...[model, outputsOf(`evaluate/rpo-sum${SEED}`).evaluation.digest],
          ...[
            outputsOf(`collect${SEED}`).train.digest,
            outputsOf(`pair-tokens${SEED}`).tokens.digest,
          ],
          ...[
            "| Loss | rpo |",
            "| β | 0.1 |",
            "| SFT term normalised by | sum |",
            "| Gold reward |",
          ],
        ]
      ) assert(card.includes(text), text);
      const data = await Deno.readTextFile(join(folder, "DATA.md"));
      assert.match(data, /- train: \d+ pairs from \d+ replies to 48 prompts; .* and dropped/);
      assert(data.includes(outputsOf(`audit${SEED}`).audit.digest));
      for (const text of [card, data]) assert(!text.includes(scratch.path), "no path of a machine");
    },
  );

  await t.step("show traces a number to the data, cite says what makes the run again", async () => {
    interface Shown {
      shown: string;
      chain: { kind: string; stages: { instance: string; key: string }[] }[];
    }
    const cell = ["tiny/report", "RPO sum", "Gold reward", "--store", store];
    const { chain } = await ballastJson<Shown>(["show", ...cell]);
    assert.deepEqual(chain.map(({ kind }) => kind).slice(1, 4), [
      ...["Scores and comparisons", "Judgments and measurements", "Weights"],
    ]);
    const keys = new Map(made.stages.map(({ id, key }) => [id, key]));
    const stages = chain.flatMap(({ stages }) => stages);
    for (const { instance, key } of stages) assert.equal(key, keys.get(instance), instance);
    const instances = stages.map(({ instance }) => instance);
    for (const id of ["compare", `train/rpo-sum${SEED}`, `pair-tokens${SEED}`, `world${SEED}`]) {
      assert(instances.includes(id), id);
    }
    assert(!instances.includes(`train/dpo${SEED}`));
    assert(!instances.includes(`judge/rpo-sum${SEED}`), "the number is none of the judge's");
    const wrong = await ballast(["show", "tiny", "RPO sun", "gold", "--store", store]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /row RPO sun: .* Did you mean "RPO sum"\?/);
    const { stdout } = await ballast(["cite", "tiny", "--store", store]);
    const report = made.stages.find(({ id }) => id === "report")!.outputs.report.digest;
    assert(stdout.includes(`report SHA-256 ${report}`), stdout);
    assert.match(stdout, /^@inproceedings\{liu2024provably,/m);
  });

  await t.step("one changed parameter: plan names exactly the stages that follow", async () => {
    assert.deepEqual(notCached(await plan("--set", "train.beta=0.2")), AFTER_BETA);
    const late = await plan("--set", "report.title=Another");
    assert.deepEqual(notCached(late), ["report"]);
    const early = notCached(await plan("--set", "world.testPrompts=25"));
    assert(early.includes(`world${SEED}`) && early.includes("report"));
  });

  await t.step("explain names the parameter, its old value and its new one", async () => {
    const args = ["explain", "train", ...here, "--set", "train.beta=0.2"];
    const { code, stdout } = await ballast(args);
    assert.equal(code, 0);
    assert.equal(stdout.match(/train\.beta 0\.1 → 0\.2/g)?.length, 3);
    assert.match(stdout, /^train\/sft@seed=0: cached/m);
    const { stages } = await ballastJson<PlanDocument>(args);
    const dpo = stages.find(({ id }) => id === `train/dpo${SEED}`)!;
    assert.deepEqual(dpo.reasons, [{ field: "train.beta", before: "0.1", after: "0.2" }]);
  });

  await t.step("a run with a changed parameter runs only what follows from it", async () => {
    const changed = ["--set", "train.beta=0.2", "--to", "train/dpo"];
    const { ran, cached } = await ballastJson<RunDocument>(["reproduce", ...here, ...changed]);
    assert.deepEqual(ran, [`train/dpo${SEED}`]);
    assert.equal(cached.length, 11, "the audit that gates it, too");
  });

  await t.step("diff names the parameter, the artifacts and the numbers", async () => {
    const { code, stdout } = await ballast(["diff", "1", "latest", "--store", store]);
    assert.equal(code, 0);
    assert.match(stdout, /train\/dpo@seed=0/);
    assert.match(stdout, /beta:? 0\.1 → 0\.2/);
    const same = await ballast(["diff", "1", "previous", "--store", store]);
    assert.match(same.stdout, /All 34 instances are equal/);
  });

  await t.step("status lists the runs, and answers SQL", async () => {
    interface Status {
      objects: number;
      keys: number;
      runs: { run: string; status: string; ran: number; cached: number }[];
    }
    const { runs, keys } = await ballastJson<Status>(["status", "--store", store]);
    const unchanged = [0, 34];
    assert.deepEqual(
      runs.map(({ ran, cached }) => [ran, cached]),
      [[34, 0], unchanged, unchanged, [1, 11]],
    );
    assert.equal(keys, 35);
    const sql = "select count(*) as keys from keys";
    const rows = await ballastJson<unknown[]>(["status", "--sql", sql, "--store", store]);
    assert.deepEqual(rows, [{ keys: 35 }]);
  });

  await t.step("verify reads every object again and finds all as written", async () => {
    const { code, stdout } = await ballast(["verify", "--deep", "--store", store]);
    assert.equal(code, 0);
    assert.match(stdout, /all as written/);
  });

  await t.step("gc keeps what the last run needs; the rest goes only with --delete", async () => {
    interface Garbage {
      deleted: boolean;
      garbage: { kind: string }[];
      keptKeys: number;
    }
    const gc = (...more: string[]) => ballastJson<Garbage>(["gc", "--store", store, ...more]);
    await ballastJson(["reproduce", ...here]);
    const listed = await gc();
    assert.equal(listed.deleted, false);
    assert.deepEqual(notCached(await plan("--set", "train.beta=0.2", "--to", "train/dpo")), []);
    assert.deepEqual((await gc("--delete")).garbage, listed.garbage);
    assert.deepEqual(notCached(await plan("--set", "train.beta=0.2", "--to", "train/dpo")), [
      `train/dpo${SEED}`,
    ]);
    assert.deepEqual((await gc()).garbage, []);
    const { ran, cached } = await ballastJson<RunDocument>(["reproduce", ...here]);
    assert.deepEqual([ran.length, cached.length], [0, 34]);
  });

  await t.step("an edited comment runs nothing; an edited line exactly what it is in", async () => {
    const project = join(scratch.path, "project");
    await Deno.mkdir(project);
    await copyProject(project);
    const edit = async (file: string, change: (text: string) => string) => {
      const path = join(project, file);
      const text = await Deno.readTextFile(path);
      assert.notEqual(change(text), text);
      await Deno.writeTextFile(path, change(text));
    };
    const planned = () => ballastJson<PlanDocument>(["plan", ...here], { project });
    assert.deepEqual(notCached(await planned()), [], "a copy elsewhere is the same code");

    await edit("train/losses/rpo.ts", (text) => `// A remark.\n${text}\n/* Another. */\n`);
    await edit("reports/write_report.ts", (text) => text.replace("{", "{\n\n"));
    assert.deepEqual(notCached(await planned()), []);

    await edit("eval/compare.ts", (text) => `${text}\nexport const edited = 1;\n`);
    const { stages } = await planned();
    assert.deepEqual(notCached({ stages }), ["compare", "report"]);
    const [reason] = stages.find(({ id }) => id === "compare")!.reasons;
    assert.equal(reason.field, "code eval/compare.ts");
    const run = await ballastJson<RunDocument>(["reproduce", ...here], { project });
    assert.deepEqual(run.ran, ["compare"], "its result is the same, so nothing follows");

    await edit("train/losses/rpo.ts", (text) => `${text}\nexport const edited = 1;\n`);
    const stale = notCached(await planned());
    assert(stale.includes(`train/rpo-sum${SEED}`) && !stale.includes(`world${SEED}`), `${stale}`);

    const accept = ["--accept", "reference", "--accept", "train"];
    const kept = await ballastJson<RunDocument>(["reproduce", ...here, ...accept], { project });
    assert.deepEqual(kept.ran, [], "the old results are kept, so nothing runs");
    const page = await Deno.readTextFile(join(store, "reports/tiny/index.html"));
    assert.match(page, /train\/rpo-sum@seed=0[^<]*old result was kept by request/);
    const wrong = await ballast(["reproduce", ...here, "--accept", "trian"], { project });
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--accept trian: The recipe has no such stage\./);
  });

  await t.step("a sweep trains what is new alone, and reports one metric along it", async () => {
    const report = join(store, "reports/tiny/table.txt");
    const before = await Deno.readTextFile(report);
    const sweep = [...here, "--sweep", "train.eta=0.1,0.2"];
    const { recipe, ran } = await ballastJson<RunDocument & { recipe: string }>(
      ["reproduce", ...sweep],
    );
    assert.equal(recipe, "tiny-by-eta");
    assert.deepEqual(ran.filter((id) => id.startsWith("train/")).sort(), [
      "train/rpo-sequence-mean@seed=0,eta=0.2",
      "train/rpo-sum@seed=0,eta=0.1",
    ]);
    const folder = join(store, "reports/tiny-by-eta");
    const table = await Deno.readTextFile(join(folder, "table.txt"));
    assert.match(table, /^Gold reward against train\.eta$/m);
    for (const value of ["0.1", "0.2"]) assert.match(table, new RegExp(`^${value} +[−\\d]`, "m"));
    const svg = await Deno.readTextFile(join(folder, "figures/along-sweep-sweep-gold.svg"));
    assert.match(svg, />train\.eta<\/text>/);
    assert.equal(await Deno.readTextFile(report), before, "the recipe's own report stays");
    const again = await ballastJson<RunDocument>(["reproduce", ...sweep]);
    assert.deepEqual(again.ran, []);
    const { code, stdout } = await ballast(
      ["diff", "latest@eta=0.1", "latest@eta=0.2", "--store", store],
    );
    assert.equal(code, 0);
    assert.match(stdout, /^train\/rpo-sum@seed=0$\n.*params\.eta: 0\.1 → 0\.2$/m);
    assert.doesNotMatch(stdout, /^train\/dpo/m);
  });
});
