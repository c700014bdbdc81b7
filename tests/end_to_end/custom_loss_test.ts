import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import { customTerms } from "../../train/losses/custom_loss.ts";
import type { LossDefinition } from "../../train/losses/define_loss.ts";
import { parseStepRecords } from "../../train/step_record.ts";
import { evaluateLoss, isClose } from "../train/losses/evaluate_loss.ts";
import {
  ballast,
  ballastJson,
  digestsOf,
  type PlanDocument,
  PROJECT,
  type RunDocument,
} from "./ballast.ts";
import { ScratchFolder } from "./scratch_folder.ts";
import { SMALL_TINY } from "./small_tiny.ts";

/** The two texts that ARCHITECTURE.md tells a person to write: the file and the recipe's line. */
async function documented(): Promise<{ file: string; line: string }> {
  const text = await Deno.readTextFile(join(PROJECT, "ARCHITECTURE.md"));
  const section = text.slice(text.indexOf("### … a loss\n"));
  const block = (language: string) =>
    section.match(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``))![1];
  return { file: block("ts"), line: block("yaml") };
}

/** The recipe `tiny` with one more line on its axis of methods. */
async function recipeWith(line: string): Promise<string> {
  const tiny = await Deno.readTextFile(join(PROJECT, "recipes/tiny.yaml"));
  return tiny.replace(/^ {2}method:\n/m, (head) => `${head}    ${line}`);
}

const SIMPO = "train/simpo@seed=0";

Deno.test("the loss that ARCHITECTURE.md shows: one file and one line, planned, trained, explained", async (t) => {
  await using scratch = await ScratchFolder.make();
  const folder = scratch.path;
  const { file, line } = await documented();
  const path = join(folder, "simpo.ts");
  await Deno.writeTextFile(path, file);
  await Deno.writeTextFile(join(folder, "mine.yaml"), await recipeWith(line));
  const args = ["--recipe", "mine.yaml", ...SMALL_TINY, "--store", "store"];
  const place = { folder };
  const object = (digest: string) => join(folder, "store/objects", digest.slice(0, 2), digest);
  let digests: Record<string, string> = {};

  await t.step("its value and gradient are those derived by hand", async () => {
    const definition = (await import(pathToFileURL(path).href)).default as LossDefinition;
    const { coefficients } = parse(line).simpo;
    assert.deepEqual(coefficients, { beta: 2, gamma: 1 });
    // Means −10/5 = −2 and −10/4 = −2.5 a token: 2 · 0.5 − 1 = 0, and −log σ(0) = ln 2.
    const one = {
      policyChosen: [-10],
      policyRejected: [-10],
      referenceChosen: [NaN],
      referenceRejected: [NaN],
      chosenTokens: [5],
      rejectedTokens: [4],
    };
    const found = await evaluateLoss(
      one,
      (logps) => customTerms(logps, { definition, coefficients }),
    );
    assert(isClose(found.preference, Math.LN2), `${found.preference}`);
    assert.equal(found.regulariser, 0);
    // −σ(0) · β / |y|: −1/2 · 2/5 and 1/2 · 2/4.
    assert(isClose(found.gradChosen[0], -0.2), `${found.gradChosen}`);
    assert(isClose(found.gradRejected[0], 0.25), `${found.gradRejected}`);
  });

  await t.step("plan finds it, run trains with it, and beta scales its rewards", async () => {
    const plan = await ballastJson<PlanDocument>(["plan", ...args, "--to", "train/simpo"], place);
    assert.equal(plan.stages.find(({ id }) => id === SIMPO)!.state, "missing");
    const run = await ballastJson<RunDocument>(["run", "train/simpo", ...args], place);
    assert(run.ran.includes(SIMPO));
    digests = digestsOf(run);
    const steps = object(digests[`${SIMPO}:steps`]);
    const [first, second] = parseStepRecords(await Deno.readTextFile(join(steps, "steps.jsonl")));
    assert(first.dpoLoss > 0 && first.gradNorm! > 0);
    assert.deepEqual([first.sftLoss, first.accuracy], [0, 0.5]);
    assert(Number.isFinite(second.margin));
  });

  const explain = async () =>
    (await ballastJson<PlanDocument>(["explain", "train/simpo", ...args], place)).stages[0];

  await t.step("an edited comment runs nothing; an edited formula is named", async () => {
    await Deno.writeTextFile(path, file.replaceAll("// (P)", "// a number a pair"));
    assert.equal((await explain()).state, "cached");
    await Deno.writeTextFile(path, file.replace("neg(margin)", "neg(mul(margin, 2))"));
    const { state, reasons } = await explain();
    assert.equal(state, "stale");
    assert.deepEqual(reasons.map(({ field }) => field), ["content of train.file"]);
    await Deno.writeTextFile(path, file);
  });

  await t.step("ballast train takes the file as --loss", async () => {
    const pair = { prompt: "say black two times", chosen: "black black .", rejected: "well ." };
    await Deno.writeTextFile(join(folder, "pairs.jsonl"), `${JSON.stringify(pair)}\n`);
    const train = [
      ...["train", "--model", object(digests["initial@seed=0:model"]), "--pairs", "pairs.jsonl"],
      ...["--loss", "simpo.ts", "--lr", "1e-3", "--steps", "2", "--batch-pairs", "1"],
      ...["--max-length", "24", "--max-prompt-length", "8", "--out", "trained"],
    ];
    const wrong = await ballast([...train, "--coefficients", "{beta: 2, gama: 1}"], place);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--coefficients\.gama: .*simpo\.ts: Unknown key; .* "gamma"\?/);
    const given = [...train, "--coefficients", "{beta: 2, gamma: 1}"];
    const { steps } = await ballastJson<{ steps: { loss: number }[] }>(given, place);
    assert(steps[1].loss > 0 && steps[1].loss !== steps[0].loss);
  });
});

const HEAD = 'import { defineLoss, reduceMean } from "ballast/losses";\n';
const WRONG: readonly [name: string, source: string, message: RegExp][] = [
  ["is no module", "export default (", /simpo\.ts: Expected a TypeScript module but found: /],
  [
    "imports a file beside it",
    'import loss from "./other.ts";\nexport default loss;',
    /simpo\.ts: Expected imports of ballast\/losses and zod alone but found "\.\/other\.ts" in line 1/,
  ],
  [
    "exports no loss",
    'export default { name: "mine", reads: "pair", coefficients: {}, terms: () => ({}) };',
    /simpo\.ts: export default\.reads: Expected one of pairs, chosen but found "pair"/,
  ],
  [
    "takes the mean itself",
    `${HEAD}export default defineLoss({ name: "mine", reads: "chosen", coefficients: {}, terms: (l) => ({ regulariser: reduceMean(l.policyChosen) }) });`,
    /simpo\.ts: mine cannot be built: Expected regulariser to be one number a pair, float64\[P\], but/,
  ],
  ["throws", 'throw new Error("not today");', /simpo\.ts: not today/],
];

for (const [name, source, message] of WRONG) {
  Deno.test(`plan refuses a file that ${name}, by file and line of the recipe`, async () => {
    await using scratch = await ScratchFolder.make();
    await Deno.writeTextFile(join(scratch.path, "simpo.ts"), source);
    const simpo = "matrix.method.simpo={loss: custom, file: simpo.ts}";
    const { code, stderr } = await ballast(
      ["plan", "--set", simpo, "--to", "train/simpo", "--store", "store"],
      { folder: scratch.path },
    );
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
    assert.match(stderr, /recipes\/tiny\.yaml:\d+: stages\.train\.params\.file/);
  });
}
