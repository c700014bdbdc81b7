import assert from "node:assert/strict";
import { writePairs } from "../../data/pairs_file.ts";
import { tokenizePairs } from "../../data/tokenize_pairs.ts";
import { saveTokenizerFiles } from "../../data/tokenizer/tokenizer_files.ts";
import { readEvaluation } from "../../eval/evaluation.ts";
import { readReplies } from "../../eval/reply_rows.ts";
import { readReplyTokens } from "../../eval/reply_tokens.ts";
import { artifactTypes } from "../../stages/artifact_types.ts";
import generate from "../../stages/generate.ts";
import logps from "../../stages/logps.ts";
import measure from "../../stages/measure.ts";
import { openScorer, type Sequence } from "../../train/logps.ts";
import { initializeModel, loadModel, saveModel } from "../../train/models/model.ts";
import { PAIRS, writeSmallModel } from "../cli/small_model.ts";
import { runStage, temporaryFolder } from "./run_stage.ts";

/** A reference, a policy of other weights, and pairs with their reference log-probs. */
async function prepare() {
  const root = await temporaryFolder();
  await writeSmallModel(root);
  const reference = `${root}/folder`;
  const policy = `${root}/policy`;
  const { config } = await loadModel(reference);
  await saveModel(initializeModel(config, 2), policy);
  await saveTokenizerFiles(reference, policy);
  for (const name of ["pairs", "tokens"]) await Deno.mkdir(`${root}/${name}`);
  const [pairs, tokens] = [`${root}/pairs`, `${root}/tokens`];
  await writePairs(pairs, PAIRS.map((pair, i) => ({ id: `test:${i}`, ...pair })));
  const lengths = { maxLength: 64, maxPromptLength: 32 };
  await tokenizePairs({ pairs, tokenizer: reference, folder: tokens, ...lengths });
  const scored = await runStage(logps, { threads: 1 }, { model: reference, tokens });
  return { reference, policy, pairs, given: { pairs: tokens, reference: scored.output("logps") } };
}

async function logpsBy(folder: string, sequences: readonly Sequence[]): Promise<Float64Array> {
  const scorer = await openScorer(await loadModel(folder), { threads: 1 });
  try {
    return await scorer.logps(sequences);
  } finally {
    await scorer.release();
  }
}

Deno.test("measure takes the KL to the reference from replies drawn at temperature 1, and from no others", async (t) => {
  const { reference, policy, pairs, given } = await prepare();
  const ask = async (settings: Record<string, number>) => {
    const params = { threads: 1, maxNewTokens: 6, ...settings };
    return (await runStage(generate, params, { policy, pairs })).output("replies");
  };
  const take = async (inputs: Record<string, string>) => {
    const { output, log } = await runStage(measure, { threads: 1 }, { ...given, ...inputs });
    return { ...await readEvaluation(output("evaluation")), log };
  };
  const drawn = await ask({ temperature: 1 });

  await t.step("its values are log π − log π_ref of all that was drawn", async () => {
    const { sequences } = await readReplyTokens(drawn);
    const rows = await readReplies(drawn);
    assert.deepEqual(sequences.map(({ reply }) => reply.length), rows.map(({ tokens }) => tokens));
    const ours = await logpsBy(policy, sequences);
    const theirs = await logpsBy(reference, sequences);
    const { metrics, log } = await take({ policy, referenceModel: reference, replies: drawn });
    const values = Array.from(ours, (logp, i) => logp - theirs[i]);
    assert.deepEqual(metrics.kl, { over: "replies", values });
    assert.ok(values.every((value) => value !== 0), "the two are no equals");
    assert.match(log.at(-1)!, /^KL to the reference -?\d+\.\d{3} nats, .* over 2 prompts$/);
  });

  await t.step("the reference's is 0", async () => {
    const { metrics } = await take({ replies: drawn });
    assert.deepEqual(metrics.kl!.values, [0, 0]);
  });

  await t.step(
    "greedy replies, others than at temperature 1, and no reference give none",
    async () => {
      const models = { policy, referenceModel: reference };
      const cases = [
        [{ ...models, replies: await ask({}) }, "these are greedy"],
        [
          { ...models, replies: await ask({ temperature: 1, topP: 0.5 }) },
          "these were drawn with temperature 1, topP 0.5",
        ],
        [{ policy, replies: drawn }, "no referenceModel is wired"],
      ] as const;
      for (const [inputs, why] of cases) {
        const { metrics, log } = await take(inputs);
        assert.equal("kl" in metrics, false);
        assert.ok("length" in metrics);
        assert.equal(
          log[0],
          `no KL to the reference, which takes replies drawn at temperature 1 from all tokens: ${why}`,
        );
      }
    },
  );

  await t.step("the artifact's facts say how replies were chosen", async () => {
    const facts = await artifactTypes.get("replies")!.facts(drawn);
    const texts = PAIRS.map(({ prompt }) => prompt.length);
    assert.equal(facts.replies, 2);
    assert.equal(facts.promptBytes, (texts[0] + texts[1]) / 2);
    assert.deepEqual(
      [facts.decoding, facts.temperature, facts.topP, facts.seed, facts.stream],
      ["drawn", 1, 1, 0, "generate"],
    );
    assert.equal((await artifactTypes.get("replies")!.facts(await ask({}))).decoding, "greedy");
  });
});
