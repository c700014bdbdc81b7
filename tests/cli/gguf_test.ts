import assert from "node:assert/strict";
import { join } from "node:path";
import { parseModelConfig } from "../../train/models/config.ts";
import { initializeModel, saveModel } from "../../train/models/model.ts";
import { ballast, ballastJson } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { asF32, ggufFile } from "../train/models/gguf_writer.ts";
import { TEMPLATE, writeSmallTokenizer } from "./small_tokenizer.ts";

const PAIRS = [
  ["say black two times", "black black .", "well black ."],
  ["name two tools", "knife rake .", "coffee hammer mango ."],
].map(([prompt, chosen, rejected]) => ({ prompt, chosen, rejected }));
const NAMES: Readonly<Record<string, string>> = {
  "model.embed_tokens": "token_embd",
  "model.norm": "output_norm",
  "model.layers.0.input_layernorm": "blk.0.attn_norm",
  "model.layers.0.self_attn.q_proj": "blk.0.attn_q",
  "model.layers.0.self_attn.k_proj": "blk.0.attn_k",
  "model.layers.0.self_attn.v_proj": "blk.0.attn_v",
  "model.layers.0.self_attn.o_proj": "blk.0.attn_output",
  "model.layers.0.post_attention_layernorm": "blk.0.ffn_norm",
  "model.layers.0.mlp.gate_proj": "blk.0.ffn_gate",
  "model.layers.0.mlp.up_proj": "blk.0.ffn_up",
  "model.layers.0.mlp.down_proj": "blk.0.ffn_down",
};

/** The same small qwen2 as a Hugging Face folder `folder`, and as `model.gguf`; `pairs.jsonl`. */
async function prepare(root: string): Promise<void> {
  const { specialTokens, tokens, merges } = await writeSmallTokenizer(
    join(root, "folder"),
    PAIRS.flatMap((pair) => Object.values(pair)),
  );
  const config = parseModelConfig({
    model_type: "qwen2",
    vocab_size: tokens.length,
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    tie_word_embeddings: true,
    initializer_range: 0.3,
  }, "config.json");
  const model = initializeModel(config, 1);
  await saveModel(model, join(root, "folder"));
  const ids = ["padding", "bos", "eos"].map((name, id) => [`tokenizer.ggml.${name}_token_id`, id]);
  const file = ggufFile(
    [
      ["general.architecture", "qwen2"],
      ["qwen2.block_count", 1],
      ["qwen2.context_length", config.maxPositions],
      ["qwen2.embedding_length", 16],
      ["qwen2.feed_forward_length", 24],
      ["qwen2.attention.head_count", 2],
      ["qwen2.attention.head_count_kv", 1],
      ["qwen2.attention.layer_norm_rms_epsilon", 1e-6],
      ["tokenizer.ggml.model", "gpt2"],
      ["tokenizer.ggml.pre", "gpt-2"],
      ["tokenizer.ggml.tokens", tokens],
      ["tokenizer.ggml.token_type", tokens.map((_, id) => id < specialTokens.length ? 3 : 1)],
      ["tokenizer.ggml.merges", merges.map((merge) => merge.join(" "))],
      ["tokenizer.chat_template", TEMPLATE],
      ...ids as [string, number][],
    ],
    [...model.weights].map(([name, { dims, data }]) => {
      const [, module, ending] = /^(.*)\.(weight|bias)$/.exec(name)!;
      return { name: `${NAMES[module]}.${ending}`, dims, ...asF32(data) };
    }),
  );
  // Behind a link, as in the hub's cache.
  await Deno.mkdir(join(root, "blobs"));
  await Deno.writeFile(join(root, "blobs/1"), file);
  await Deno.symlink("blobs/1", join(root, "model.gguf"));
  const rows = PAIRS.map((pair) => `${JSON.stringify(pair)}\n`).join("");
  await Deno.writeTextFile(join(root, "pairs.jsonl"), rows);
}

const files = ["--pairs", "pairs.jsonl", "--max-length", "40", "--max-prompt-length", "20"];

interface LogpsDocument {
  rows: { chosenLogp: number }[];
}

Deno.test("logps and train take a GGUF file for a model, and its folder loads again", async (t) => {
  await using scratch = await ScratchFolder.make();
  const place = { folder: scratch.path };
  await prepare(scratch.path);
  const logps = (model: string) =>
    ballastJson<LogpsDocument>(["logps", "--model", model, ...files], place);
  const before = await logps("model.gguf");

  await t.step("logps gives what it gives of the same model's folder", async () => {
    assert.deepEqual(before, await logps("folder"));
  });

  const training = [
    "--loss",
    "rpo",
    "--beta",
    "0.1",
    "--eta",
    "0.1",
    "--sft",
    "sum",
    "--lr",
    "1e-2",
  ];
  const train = (model: string, more: readonly string[]) =>
    ballastJson<{ steps: unknown[] }>([
      ...["train", "--model", model, ...files, ...training, "--steps", "2", "--batch-pairs", "2"],
      ...more,
    ], place);

  await t.step(
    "train gives what it gives of that folder, tokenizer and template included",
    async () => {
      const [fromFile, fromFolder] = [
        await train("model.gguf", ["--out", "a", "--reference", "model.gguf"]),
        await train("folder", ["--out", "b"]),
      ];
      assert.deepEqual(fromFile.steps, fromFolder.steps);
      const after = await logps("a");
      assert.deepEqual(after, await logps("b"));
      after.rows.forEach((row, i) => assert(row.chosenLogp > before.rows[i].chosenLogp));
      assert.equal(await Deno.readTextFile(join(scratch.path, "a/chat_template.jinja")), TEMPLATE);
    },
  );

  await t.step("an adapter that was trained on it fits it", async () => {
    await train("model.gguf", ["--out", "adapter", "--lora-rank", "2"]);
    const adapted = await ballastJson<LogpsDocument>(
      ["logps", "--model", "model.gguf", "--adapter", "adapter", ...files],
      place,
    );
    adapted.rows.forEach((row, i) => assert(row.chosenLogp > before.rows[i].chosenLogp));
  });

  await t.step("a damaged file is refused by name, without a stack trace", async () => {
    const bytes = await Deno.readFile(join(scratch.path, "model.gguf"));
    await Deno.writeFile(join(scratch.path, "cut.gguf"), bytes.subarray(0, -4000));
    const { code, stdout, stderr } = await ballast(
      ["logps", "--model", "cut.gguf", ...files, "--json"],
      place,
    );
    assert([1, 2].includes(code));
    assert.equal(stdout, "");
    assert.match(stderr, /cut\.gguf: \S+: Expected it to end within the file's \d+ bytes/);
    assert.doesNotMatch(stderr, /\n +at /);
  });
});
