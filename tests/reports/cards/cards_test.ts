import assert from "node:assert/strict";
import { parse } from "yaml";
import type { CardFacts, PairsFacts } from "../../../reports/cards/card_facts.ts";
import { dataCard } from "../../../reports/cards/data_card.ts";
import { licenseId } from "../../../reports/cards/front_matter.ts";
import { modelCard } from "../../../reports/cards/model_card.ts";
import { injections } from "../injection_corpus.ts";

/** Facts in which every text that others may write is the one given. */
function factsOf(text: string): CardFacts {
  const pairs: PairsFacts = {
    origin: text,
    stage: "read-pairs",
    params: { dropIdentical: true, note: text },
    sources: {},
    dataset: { name: text, revision: text },
    license: "mit",
    digest: "d1",
    count: 300,
    tokens: { digest: "d2", pairs: 295, tokens: 1234, maxLength: 512, maxPromptLength: 128 },
    remarks: [text],
    audits: [{
      instance: text,
      digest: "d3",
      findings: [{ set: text, severity: "error", accepted: true, message: text }],
    }],
  };
  return {
    origin: { recipe: text, instance: text, key: "k1", digest: "d4" },
    base: {
      name: text,
      revision: text,
      ggufType: null,
      license: "apache-2.0",
      licenseName: null,
      licenseSource: text,
      fromScratch: false,
    },
    weights: {
      family: "llama",
      parameters: 134_515_008,
      dtype: "bfloat16",
      adapter: null,
      hasChatTemplate: true,
    },
    training: [{
      instance: text,
      key: "k2",
      params: { loss: "rpo", beta: 0.1, eta: 0.005, sft: "sum", seed: 42, learningRate: 5e-7 },
      sources: { file: text },
      steps: 75,
      pairs,
      remarks: [text],
    }],
    measured: [{
      instance: text,
      digest: "d5",
      metrics: [{
        label: text,
        unit: "percent",
        describe: text,
        digits: 1,
        mean: 61.25,
        interval: [55, 67.5],
        n: 200,
      }],
    }],
  };
}

const plain = factsOf("plain");

/** The fields in front of a card, and what follows them. */
function split(card: string): [fields: Record<string, unknown>, body: string] {
  const [, front, body] = /^---\n([\s\S]*?\n)---\n\n([\s\S]*)$/.exec(card)!;
  return [parse(front), body];
}

Deno.test("a model card has the fields that the hub reads", () => {
  const [fields] = split(modelCard(plain));
  assert.deepEqual(fields, {
    license: "apache-2.0",
    base_model: "plain",
    base_model_relation: "finetune",
    datasets: ["plain"],
    library_name: "transformers",
    pipeline_tag: "text-generation",
    tags: ["ballast", "rpo"],
  });
  const adapter = { merged: false, rank: 8, alpha: 16, targets: ["q_proj"] };
  const [own, body] = split(modelCard({ ...plain, weights: { ...plain.weights, adapter } }));
  assert.deepEqual([own.library_name, own.base_model_relation], ["peft", "adapter"]);
  assert.match(body, /PeftModel\.from_pretrained\(base, "FOLDER"\)/);
});

Deno.test("a model card says the training's parameters, the data's digests and what was measured", () => {
  const [, body] = split(modelCard(plain));
  for (
    const row of [
      "| Loss | rpo |",
      "| β | 0.1 |",
      "| η, or the coefficient of the SFT term | 0.005 |",
      "| SFT term normalised by | sum |",
      "| Peak learning rate of AdamW | 5e-7 |",
      "| Seed | 42 |",
      "| Steps | 75 |",
      "| Digest of the rows | d1 |",
      "| Digest of their tokens | d2 |",
      "| plain | 61.3 | [55.0, 67.5] | percent | 200 | plain |",
    ]
  ) assert(body.includes(`\n${row}\n`), row);
  const [, unmeasured] = split(modelCard({ ...plain, measured: [] }));
  assert.match(unmeasured, /nothing here says that it is better than its base/);
  assert.doesNotMatch(unmeasured, /61\.3/);
});

Deno.test("a model card says that the base was quantised, and names its commit where it is loaded", () => {
  const base = { ...plain.base, ggufType: "Q4_1", revision: "0123456789abcdef".repeat(3).slice(8) };
  const untrained = { ...plain, base, training: [] };
  const sentence = "read from a GGUF file, most of them quantised as Q4\\_1: they are not exactly";
  for (const facts of [untrained, { ...plain, base }]) {
    const [fields, body] = split(modelCard(facts));
    assert.equal(fields.base_model_relation, facts === untrained ? "quantized" : "finetune");
    assert(body.includes(sentence));
    assert(body.includes(`plain at ${base.revision} `));
  }
  const adapter = { merged: false, rank: 8, alpha: 16, targets: ["q_proj"] };
  const weights = { ...plain.weights, adapter };
  const [fields, body] = split(modelCard({ ...untrained, weights }));
  assert.equal(fields.base_model_relation, "adapter");
  assert(body.includes(`from_pretrained("plain", revision="${base.revision}")`));
  const whole = { ...untrained, weights: { ...weights, adapter: { ...adapter, merged: true } } };
  assert.equal(split(modelCard(whole))[0].base_model_relation, "finetune");
  for (const ggufType of [null, "F16", "BF16", "F32"]) {
    const [exact, text] = split(modelCard({ ...untrained, base: { ...base, ggufType } }));
    assert.equal(exact.base_model_relation, "finetune");
    assert.doesNotMatch(text, /quantised/);
  }
});

Deno.test("a licence that the hub has no short name of keeps the base's name for it", () => {
  const base = { ...plain.base, license: "other", licenseName: "Qwen-Research" };
  const [fields, body] = split(modelCard({ ...plain, base }));
  assert.deepEqual([fields.license, fields.license_name], ["other", "qwen-research"]);
  assert.match(body, /The base model's licence is Qwen-Research, as /);
  const unnamed = split(modelCard({ ...plain, base: { ...base, licenseName: "its own, v 2" } }))[0];
  assert.deepEqual([unnamed.license, "license_name" in unnamed], ["other", false]);
});

Deno.test("a licence that is not stated is called unknown, with a sentence", () => {
  const none = { ...plain.base, license: null, licenseSource: null };
  const [fields, body] = split(modelCard({ ...plain, base: none }));
  assert.equal(fields.license, "unknown");
  assert.match(body, /None of the base model's files states a licence\. Look it up/);
  const scratch = { ...none, name: null, revision: null, fromScratch: true };
  const [own, text] = split(modelCard({ ...plain, base: scratch }));
  assert.equal(own.license, "unknown");
  assert(!("base_model" in own));
  assert.match(text, /nobody has stated a licence: whoever publishes it has to/);
  assert.deepEqual(["MIT", "apache-2.0", "my own licence", null].map(licenseId), [
    ...["mit", "apache-2.0", "unknown", "unknown"],
  ]);
});

Deno.test("a data card says source, revision, licence, what was dropped and what audits found", () => {
  const [fields, body] = split(dataCard(plain.training)!);
  assert.deepEqual(fields, {
    license: "mit",
    source_datasets: ["plain"],
    tags: ["ballast", "preference-data"],
  });
  for (
    const line of [
      "| Source | plain at revision plain |",
      "| Licence | mit, as the recipe states it |",
      "| Rows | 300 |",
      "| dropIdentical | true |",
      "Tokenization left out 5 rows.",
      "- error, accepted by the recipe: plain: plain",
    ]
  ) assert(body.includes(`\n${line}\n`), line);
  assert.equal(dataCard(plain.training.map((one) => ({ ...one, pairs: null }))), null);
});

/** Controls (but line feeds), zero-width and bidi characters. */
const ACTING = /(?!\n)\p{Cc}|\p{Cf}/u;

for (const [name, text] of Object.entries(injections)) {
  Deno.test(`cards show hostile text as it is, and it does nothing: ${name}`, () => {
    const facts = factsOf(text);
    for (
      const [card, sound] of [
        [modelCard(facts), modelCard(plain)],
        [dataCard(facts.training)!, dataCard(plain.training)!],
      ]
    ) {
      assert.doesNotMatch(card, ACTING);
      const [fields, body] = split(card);
      const [expected, soundBody] = split(sound);
      assert.deepEqual(Object.keys(fields), Object.keys(expected), "no field is added");
      assert.equal(fields.license, expected.license);
      assert.equal(body.split("\n").length, soundBody.split("\n").length, "no line is added");
      // What our own text has of them, and no more: tags, links, bare addresses, cells of a table.
      for (const active of [/<\w/g, /(?<!\\)\]\(/g, /:\/\//g, /(?<!\\)\|/g, /^#/gm, /^```/gm]) {
        assert.equal(body.match(active)?.length, soundBody.match(active)?.length, `${active}`);
      }
    }
  });
}
