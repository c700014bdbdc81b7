import assert from "node:assert/strict";
import { type AuditTokens, auditTokens, describeFailure } from "../../data/audit.ts";
import {
  AUDIT_CODES,
  AUDIT_RULES,
  type AuditCode,
  isTestRow,
  ROW_CODES,
} from "../../data/audit_checks.ts";
import { writePairs, writePrompts } from "../../data/pairs_file.ts";
import type { TokenFacts } from "../../data/store/token_table.ts";
import { writeTokens } from "../../data/store/write_tokens.ts";
import { digestPrompt, encodingFacts, type TokenizedRow } from "../../data/tokenize.ts";
import { loadTokenizer } from "../../data/tokenizer/tokenizer.ts";
import { writeWorldTokenizer } from "../../data/world/tokenizer.ts";

const facts: TokenFacts = {
  maxLength: 8,
  maxPromptLength: 4,
  vocabSize: 10,
  eosId: 9,
  padId: null,
  tokenizerDigest: "tokenizer",
  templateDigest: "template",
};

let next = 0;

/** A flawless row, but for `change`; each has a prompt of its own. */
function row(change: Partial<TokenizedRow> = {}): TokenizedRow {
  const number = next++;
  return {
    id: `train_prefs.jsonl:${number}`,
    prompt: Int32Array.of(1, 2),
    chosen: Int32Array.of(3, 4, 9),
    rejected: Int32Array.of(5, 9),
    before: { prompt: 2, chosen: 3, rejected: 2 },
    truncation: "none",
    boundaryMismatch: false,
    identicalText: false,
    chosenEmpty: false,
    rejectedEmpty: false,
    chosenEnded: true,
    rejectedEnded: true,
    specialInText: false,
    promptDigest: `digest ${number}`,
    promptDigestNormalised: `normalised ${number}`,
    ...change,
  };
}

interface Sets {
  train: TokenizedRow[];
  evaluation?: TokenizedRow[];
  evaluationFacts?: Partial<TokenFacts>;
  /** A second evaluation set. */
  further?: TokenizedRow[];
  prompts?: string[];
  /** Folder with the tokenizer that generates. */
  /** Prompts of pairs that replies will be generated to. */
  asked?: string[];
  generation?: string;
  accept?: AuditCode[];
  onError?: AuditTokens["onError"];
}

async function audit(sets: Sets) {
  const { train, evaluation = [], evaluationFacts = {}, accept = [], further, prompts, asked } =
    sets;
  const folder = await Deno.makeTempDir();
  const write = async (name: string, rows: TokenizedRow[], given: TokenFacts) => {
    await Deno.mkdir(`${folder}/${name}`);
    await writeTokens({ folder: `${folder}/${name}`, facts: given, rows });
    return { name, folder: `${folder}/${name}` };
  };
  const writePromptSet = async (prompts: string[]) => {
    await writePrompts(folder, prompts.map((prompt, i) => ({ id: `question:${i}`, prompt })));
    return { name: "questions", folder };
  };
  const writePairSet = async (prompts: string[]) => {
    const pairs = prompts.map((prompt, i) => ({
      id: `test_prefs.jsonl:${i}`,
      prompt,
      chosen: ".",
    }));
    await writePairs(folder, pairs);
    return { name: "asked", folder };
  };
  try {
    return await auditTokens({
      train: await write("train", train, facts),
      evaluation: [
        await write("test", evaluation, { ...facts, ...evaluationFacts }),
        ...(further === undefined ? [] : [await write("further", further, facts)]),
      ],
      prompts: prompts === undefined ? [] : [await writePromptSet(prompts)],
      pairs: asked === undefined ? [] : [await writePairSet(asked)],
      generation: sets.generation === undefined ? [] : [{ name: "model", folder: sets.generation }],
      accept,
      onError: sets.onError,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Findings as `code set count severity`. */
async function found(sets: Sets): Promise<string[]> {
  const { findings } = await audit(sets);
  return findings.map(({ code, set, count, severity }) => `${code} ${set} ${count} ${severity}`);
}

Deno.test("auditTokens() finds nothing in flawless sets", async () => {
  const report = await audit({ train: [row(), row({ rejected: null })], evaluation: [row()] });
  assert.deepEqual(report.findings, []);
  assert.equal(report.passed, true);
  assert.equal(describeFailure(report), "");
});

Deno.test("auditTokens() tells pairs identical as text from pairs identical once truncated", async () => {
  const same = { chosen: Int32Array.of(3, 9), rejected: Int32Array.of(3, 9) };
  assert.deepEqual(await found({ train: [row({ ...same, identicalText: true }), row()] }), [
    "identical-pairs train 1 error",
  ]);
  const before = { prompt: 2, chosen: 2, rejected: 2 };
  assert.deepEqual(
    await found({ train: [row({ ...same, before }), row()] }),
    ["identical-pairs train 1 error"],
    "texts that a template writes alike, such as two that it trims",
  );
  for (const cut of [{ chosen: 3, rejected: 2 }, { chosen: 2, rejected: 3 }]) {
    assert.deepEqual(
      await found({ train: [row({ ...same, before: { prompt: 2, ...cut } }), row()] }),
      [
        "identical-after-truncation train 1 warning",
      ],
    );
  }
});

Deno.test("auditTokens() finds empty replies, as text and as tokens", async () => {
  const empty = [
    row({ chosenEmpty: true }),
    row({ rejectedEmpty: true }),
    row({ rejected: new Int32Array(0), before: { prompt: 2, chosen: 3, rejected: 0 } }),
  ];
  assert.deepEqual(await found({ train: empty }), ["empty-replies train 3 error"]);
});

Deno.test("auditTokens() finds prompts without tokens, and special tokens spelt in a text", async () => {
  assert.deepEqual(await found({ train: [row({ prompt: new Int32Array(0) })] }), [
    "empty-prompts train 1 error",
  ]);
  assert.deepEqual(await found({ train: [row({ specialInText: true })] }), [
    "special-tokens-in-text train 1 warning",
  ]);
});

Deno.test("auditTokens() tells an end token that never was from one that truncation took", async () => {
  assert.deepEqual(await found({ train: [row({ chosenEnded: false })] }), [
    "missing-end-token train 1 error",
  ]);
  const cut = row({ rejectedEnded: false, before: { prompt: 2, chosen: 3, rejected: 7 } });
  assert.deepEqual(await found({ train: [cut] }), ["cut-before-end train 1 warning"]);
});

Deno.test("auditTokens() counts truncated pairs and boundary mismatches", async () => {
  const train = [row({ truncation: "replies" }), row({ boundaryMismatch: true })];
  assert.deepEqual(await found({ train }), [
    "truncated train 1 warning",
    "boundary-mismatch train 1 warning",
  ]);
});

Deno.test("auditTokens() finds prompts shared with an evaluation set, exactly or nearly", async () => {
  const shared = row();
  const evaluation = [
    row({ ...shared, id: "test_prefs.jsonl:1" }),
    row({ promptDigestNormalised: shared.promptDigestNormalised }),
    row(),
  ];
  assert.deepEqual(await found({ train: [shared, row()], evaluation }), [
    "prompt-overlap test 1 error",
    "prompt-overlap-normalised test 1 warning",
  ]);
});

Deno.test("auditTokens() finds prompts that two evaluation sets share", async () => {
  const one = row();
  const again = row({ promptDigestNormalised: one.promptDigestNormalised });
  assert.deepEqual(
    await found({ train: [row()], evaluation: [one, again], further: [again, row()] }),
    ["evaluation-overlap further 1 warning"],
  );
});

Deno.test("auditTokens() holds prompts alone against the training set's", async () => {
  const trained = row(digestPrompt("What is RPO?"));
  const sets = { train: [trained], prompts: ["What is RPO?", "what  is rpo?", "What is DPO?"] };
  assert.deepEqual(await found(sets), [
    "prompt-overlap questions 1 error",
    "prompt-overlap-normalised questions 1 warning",
  ]);
  const report = await audit(sets);
  assert.equal(
    report.findings[0].message,
    "1 of 3 prompts have a prompt that is in the training set as well",
  );
  assert.deepEqual(report.findings[0].rows, ["question:0"]);
  const { name, role, pairs, lengths } = report.sets[2];
  assert.deepEqual([name, role, pairs], ["questions", "prompts", 3]);
  assert.deepEqual(lengths.after, { prompt: null, chosen: null, rejected: null });
});

/** Gives each of two tokens of a vocabulary the other's id. */
async function swapTokens(path: string, [a, b]: [string, string]): Promise<void> {
  const tokenizer = JSON.parse(await Deno.readTextFile(path));
  const { vocab } = tokenizer.model;
  [vocab[a], vocab[b]] = [vocab[b], vocab[a]];
  assert.ok(Number.isInteger(vocab[a]) && Number.isInteger(vocab[b]));
  await Deno.writeTextFile(path, JSON.stringify(tokenizer));
}

Deno.test("auditTokens() finds a training set under another template than the model generates with", async () => {
  const generation = await Deno.makeTempDir();
  await writeWorldTokenizer(generation);
  assert.deepEqual(await found({ train: [row()], generation }), [
    "generation-mismatch train 1 error",
  ]);
  const own = { ...facts, ...encodingFacts(await loadTokenizer(generation)) };
  const folder = await Deno.makeTempDir();
  await writeTokens({ folder, facts: own, rows: [row()] });
  const report = await auditTokens({
    train: { name: "train", folder },
    evaluation: [],
    generation: [{ name: "model", folder: generation }],
    accept: [],
  });
  assert.deepEqual(report.findings, []);
  await swapTokens(`${generation}/tokenizer.json`, ["cat", "dog"]);
  const swapped = await auditTokens({
    train: { name: "train", folder },
    evaluation: [],
    generation: [{ name: "model", folder: generation }],
    accept: [],
  });
  assert.deepEqual(swapped.findings.map(({ code, count }) => [code, count]), [
    ["generation-mismatch", 1],
  ], "as many tokens, but two of them are each other's");
  for (const path of [generation, folder]) await Deno.remove(path, { recursive: true });
});

Deno.test("AUDIT_RULES name nothing to drop that tokenize does not drop", () => {
  for (const { remedy } of Object.values(AUDIT_RULES)) {
    for (const [, code] of remedy.matchAll(/`drop: \[([a-z-]+)\]`/g)) {
      assert.ok(ROW_CODES.some((known) => known === code), code);
    }
  }
});

Deno.test("auditTokens() finds evaluation under another template, tokenizer or end token", async () => {
  for (
    const evaluationFacts of [{ templateDigest: null }, { tokenizerDigest: "other" }, { eosId: 8 }]
  ) {
    assert.deepEqual(await found({ train: [row()], evaluation: [row()], evaluationFacts }), [
      "template-mismatch test 1 error",
    ]);
  }
});

Deno.test("auditTokens() finds training on a test split", async () => {
  assert.deepEqual(await found({ train: [row({ id: "test_prefs.jsonl:4" })] }), [
    "trained-on-test train 1 error",
  ]);
});

Deno.test("isTestRow() finds the word test anywhere in a file's or split's name, and in no other word", () => {
  const test = [
    "test:1",
    "test_prefs.jsonl:9",
    "TEST-1:2",
    "prefs_test:3",
    "data_test-00000-of-00001.parquet:1",
    "my.test.jsonl:4",
    "train_vs_test2.jsonl:5",
  ];
  const other = [
    "train:1",
    "testimony:3",
    "latest:1",
    "contest.jsonl:2",
    "tests:1",
    "train.jsonl:7",
  ];
  assert.deepEqual(test.filter((id) => !isTestRow(id)), []);
  assert.deepEqual(other.filter(isTestRow), []);
});

Deno.test("auditTokens() passes with errors that the recipe accepts, and still reports them", async () => {
  const train = [row({ identicalText: true, rejectedEmpty: true })];
  const partly = await audit({ train, accept: ["identical-pairs"] });
  assert.deepEqual(partly.findings.map(({ code, accepted }) => [code, accepted]), [
    ["identical-pairs", true],
    ["empty-replies", false],
  ]);
  assert.equal(partly.passed, false);
  assert.equal((await audit({ train, accept: ["identical-pairs", "empty-replies"] })).passed, true);
});

Deno.test("describeFailure() names rows, remedy and what to say in the recipe", async () => {
  const train = Array.from({ length: 30 }, (_, i) => row({ id: `t:${i}`, chosenEmpty: true }));
  const report = await audit({ train });
  const named = Array.from({ length: 20 }, (_, i) => `t:${i}`);
  assert.deepEqual(report.findings[0].rows, named);
  assert.equal(
    describeFailure(report),
    `train: 30 of 30 pairs have an empty reply (${
      named.join(", ")
    }, … 10 more). Either drop them ` +
      "with `dropEmpty: true` of read-pairs, or say `accept: [empty-replies]`.",
  );
});

Deno.test("auditTokens() tells of every row of the errors that stop a recipe, and of no other", async () => {
  const told: string[] = [];
  const train = Array.from(
    { length: 30 },
    (_, i) => row({ id: `t:${i}`, chosenEmpty: true, identicalText: true, truncation: "replies" }),
  );
  await audit({
    train,
    accept: ["identical-pairs"],
    onError: ({ set, code, row }) => told.push(`${set} ${code} ${row}`),
  });
  assert.deepEqual(told, train.map(({ id }) => `train empty-replies ${id}`));
});

Deno.test("auditTokens() describes lengths before and after truncation", async () => {
  const train = Array.from({ length: 100 }, (_, i) =>
    row({
      before: { prompt: i + 1, chosen: 3, rejected: null },
      rejected: null,
    }));
  const { sets } = await audit({ train });
  assert.deepEqual(sets.map(({ name, role, pairs }) => [name, role, pairs]), [
    ["train", "train", 100],
    ["test", "evaluation", 0],
  ]);
  const { before, after } = sets[0].lengths;
  const quantiles = { p10: 10, p25: 25, median: 50, p75: 75, p90: 90, p99: 99 };
  assert.deepEqual(before.prompt, { n: 100, min: 1, ...quantiles, max: 100, mean: 50.5 });
  assert.deepEqual(new Set(Object.values({ ...after.prompt, n: 2 })), new Set([2]));
  assert.equal(before.rejected, null);
  assert.deepEqual(sets[0].truncation, {
    none: 100,
    prompt: 0,
    replies: 0,
    "prompt-and-replies": 0,
  });
});

Deno.test("AUDIT_CODES are each found by a test above", async () => {
  const source = await Deno.readTextFile(new URL(import.meta.url));
  for (const code of AUDIT_CODES) assert.ok(new RegExp(`"${code} [tfq]`).test(source), code);
});

Deno.test("auditTokens() holds pairs that replies are generated to against the training set's alone", async () => {
  const trained = row(digestPrompt("What is RPO?"));
  const tested = row(digestPrompt("What is DPO?"));
  const asked = ["What is RPO?", "What is DPO?"];
  assert.deepEqual(await found({ train: [trained], evaluation: [tested], asked }), [
    "prompt-overlap asked 1 error",
  ]);
});
