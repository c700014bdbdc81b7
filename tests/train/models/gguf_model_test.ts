import assert from "node:assert/strict";
import { InputError } from "../../../core/problem.ts";
import type { Family } from "../../../train/models/families.ts";
import { loadModel, type Model } from "../../../train/models/model.ts";
import { goldenModel } from "../golden.ts";
import { asF32, ggufFile, type Metadata, type WrittenTensor } from "./gguf_writer.ts";

const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^model\.embed_tokens\./, "token_embd."],
  [/^model\.norm\./, "output_norm."],
  [/^lm_head\./, "output."],
  [/^model\.layers\.(\d+)\./, "blk.$1."],
  [/input_layernorm/, "attn_norm"],
  [/self_attn\.([qkv])_proj/, "attn_$1"],
  [/self_attn\.o_proj/, "attn_output"],
  [/post_attention_layernorm/, "ffn_norm"],
  [/mlp\.(gate|up|down)_proj/, "ffn_$1"],
];

/** The architecture's file of a model of ours, as llama.cpp's converter lays it out. */
function converted(
  { config, weights }: Model,
  architecture: string,
): { metadata: Metadata; tensors: WrittenTensor[] } {
  const { headDim, hiddenSize } = config;
  const tensors = [...weights].map(([name, { dims, data }]): WrittenTensor => {
    let written = data;
    if (/[qk]_proj\.weight$/.test(name) && architecture === "llama") {
      // The converter: reshape(heads, 2, C/2, width).swapaxes(1, 2).
      written = Float32Array.from(data, (_, at) => {
        const [row, column] = [Math.floor(at / hiddenSize), at % hiddenSize];
        const [head, inHead] = [Math.floor(row / headDim), row % headDim];
        // After the swap, the last two axes are (C/2, 2): row 2j + i comes from (i, j).
        const [j, i] = [Math.floor(inHead / 2), inHead % 2];
        return data[(head * headDim + i * (headDim / 2) + j) * hiddenSize + column];
      });
    }
    if (/norm\.weight$/.test(name) && architecture === "gemma") written = data.map((x) => x + 1);
    const theirs = NAMES.reduce((text, [ours, other]) => text.replace(ours, other), name);
    return { name: theirs, dims, ...asF32(written) };
  });
  const sizes: Metadata = [
    ["general.architecture", architecture],
    [`${architecture}.block_count`, config.layers],
    [`${architecture}.context_length`, config.maxPositions],
    [`${architecture}.embedding_length`, hiddenSize],
    [`${architecture}.feed_forward_length`, config.intermediateSize],
    [`${architecture}.attention.head_count`, config.heads],
    [`${architecture}.attention.head_count_kv`, config.keyValueHeads],
    [`${architecture}.attention.key_length`, headDim],
    [`${architecture}.attention.value_length`, headDim],
    [`${architecture}.rope.dimension_count`, headDim],
    [`${architecture}.rope.freq_base`, config.ropeTheta],
    [`${architecture}.attention.layer_norm_rms_epsilon`, config.normEpsilon],
    [`${architecture}.vocab_size`, config.vocabSize],
  ];
  const tokens = [["bos", config.bosTokenId], ["eos", config.eosTokenIds[0]], [
    "padding",
    config.padTokenId,
  ]] as const;
  const ids = tokens.flatMap(([name, id]) =>
    id === null || id === undefined ? [] : [[`tokenizer.ggml.${name}_token_id`, id] as const]
  );
  return { metadata: [...sizes, ...ids], tensors };
}

async function load(
  { metadata, tensors }: { metadata: Metadata; tensors: readonly WrittenTensor[] },
): Promise<Model> {
  const path = await Deno.makeTempFile({ suffix: ".gguf" });
  try {
    await Deno.writeFile(path, ggufFile(metadata, tensors));
    return await loadModel(path).catch((error) => {
      if (!(error instanceof InputError)) throw error;
      throw new InputError(
        error.problems.map((problem) => ({
          ...problem,
          path: problem.path.slice(path.length + 2),
        })),
      );
    });
  } finally {
    await Deno.remove(path);
  }
}

const CASES: readonly (readonly [Family, string])[] = [
  ["llama", "llama"],
  ["qwen2", "qwen2"],
  ["gemma", "gemma"],
];

for (const [family, architecture] of CASES) {
  Deno.test(`loadModel() reads of a ${architecture} file the model that was converted to it`, async () => {
    const model = await goldenModel(family);
    const { config, weights } = await load(converted(model, architecture));
    // A GGUF file says nothing of how weights were drawn.
    assert.deepEqual({ ...config, initializerRange: 0 }, { ...model.config, initializerRange: 0 });
    assert.deepEqual([...weights.keys()], [...model.weights.keys()]);
    for (const [name, { dims, data }] of model.weights) {
      const found = weights.get(name)!;
      assert.deepEqual(found.dims, dims, name);
      if (architecture !== "gemma" || !name.endsWith("norm.weight")) {
        assert.deepEqual(found.data, data, name);
      } else {
        // One was added and taken away again in float32.
        data.forEach((value, i) => assert(Math.abs(found.data[i] - value) <= 2 ** -23, name));
      }
    }
  });
}

Deno.test("loadModel() takes a llama file with an attention window for mistral's", async () => {
  const model = await goldenModel("mistral");
  const { metadata, tensors } = converted(model, "llama");
  const window = ["llama.attention.sliding_window", 4096] as const;
  const { config, weights } = await load({ metadata: [...metadata, window], tensors });
  assert.deepEqual([config.family, config.slidingWindow], ["mistral", 4096]);
  assert.deepEqual(weights, model.weights);
});

/** A llama's file, changed. */
async function changed(
  change: Partial<Record<string, unknown>>,
  tensors: (given: WrittenTensor[]) => WrittenTensor[] = (given) => given,
) {
  const file = converted(await goldenModel("llama"), "llama");
  const metadata = file.metadata.filter(([key]) => !(key in change));
  const added = Object.entries(change).filter(([, value]) => value !== undefined);
  return { metadata: [...metadata, ...added], tensors: tensors(file.tensors) };
}

async function refused(file: Awaited<ReturnType<typeof changed>>): Promise<string[]> {
  try {
    await load(file);
  } catch (error) {
    assert(error instanceof InputError, `${error}`);
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

Deno.test("loadModel() names architectures and kinds of files that it does not read", async () => {
  assert.deepEqual(
    await refused(
      await changed({
        "general.architecture": "qwen3",
        "general.type": "adapter",
        "split.count": 3,
      }),
    ),
    [
      'general.architecture: Expected one of llama, qwen2, gemma (mistral is llama here) but found "qwen3".',
      'general.type: Expected "model" but found "adapter".',
      "split.count: Expected a model in one file but found one of 3. Join them with `llama-gguf-split --merge` of llama.cpp.",
    ],
  );
});

Deno.test("loadModel() names all metadata that is missing, wrong or not implemented at once", async () => {
  assert.deepEqual(
    await refused(
      await changed({
        "llama.block_count": undefined,
        "llama.attention.head_count_kv": [1, 2],
        "llama.context_length": 0,
        "llama.expert_count": 8,
        "llama.rope.scaling.type": "yarn",
        "llama.rope.dimension_count": 4,
        "llama.__proto__": 1,
      }),
    ),
    [
      "llama.block_count: Expected a number greater than 0 but found none.",
      "llama.context_length: Expected a number greater than 0 but found 0.",
      "llama.attention.head_count_kv: Expected a number greater than 0 but found a list, one for each layer.",
      "llama.expert_count: 8 is not implemented; it would change results.",
      'llama.rope.scaling.type: "yarn" is not implemented; it would change results.',
      "llama.rope.dimension_count: 4 is not implemented; it would change results.",
      "llama.__proto__: 1 is not implemented; it would change results.",
    ],
  );
  const qwen2 = converted(await goldenModel("qwen2"), "qwen2");
  const window = ["qwen2.attention.sliding_window", 64] as const;
  assert.deepEqual(await refused({ ...qwen2, metadata: [...qwen2.metadata, window] }), [
    "qwen2.attention.sliding_window: 64 is not implemented; it would change results.",
  ]);
});

Deno.test("loadModel() refuses what a config.json could not say either", async () => {
  const [problem] = await refused(await changed({ "llama.attention.head_count_kv": 3 }));
  assert.match(problem, /^as config\.json: num_key_value_heads: Expected a divisor of/);
});

Deno.test("loadModel() names tensors that are missing, misshapen or of no use", async () => {
  const extra = (name: string) => ({ name, dims: [1], ...asF32(new Float32Array(1)) });
  assert.deepEqual(
    await refused(
      await changed({}, (tensors) => [
        ...tensors,
        extra("rope_freqs.weight"),
        extra("blk.0.ffn_gate_exps.weight"),
        extra("blk.00.attn_q.weight"),
        extra("blk.0.toString.weight"),
      ]),
    ),
    [
      "rope_freqs.weight: Rotary positions of scaled frequencies are not implemented; they would change results.",
      ...["blk.0.ffn_gate_exps.weight", "blk.00.attn_q.weight", "blk.0.toString.weight"].map((
        name,
      ) => `${name}: The tensor is not part of any model that is implemented.`),
    ],
  );
  const without = await changed({}, (tensors) =>
    tensors.flatMap((tensor) => {
      if (tensor.name === "blk.0.attn_v.weight") return [];
      return [tensor.name === "output_norm.weight" ? { ...extra(tensor.name) } : tensor];
    }));
  const { hiddenSize } = (await goldenModel("llama")).config;
  assert.deepEqual(await refused(without), [
    "model.layers.0.self_attn.v_proj.weight: The weight is missing.",
    `model.norm.weight: Expected shape [${hiddenSize}] but found [1].`,
  ]);
  assert.deepEqual(await refused(await changed({}, (tensors) => tensors.slice(1))), [
    "token_embd.weight: The tensor is missing.",
  ]);
});

Deno.test("loadModel() names tensors whose type is not read or whose place does not fit", async () => {
  const first = (change: (tensor: WrittenTensor) => WrittenTensor) =>
    changed({}, ([tensor, ...rest]) => [change(tensor), ...rest]);
  const dims = (await goldenModel("llama")).weights.get("model.embed_tokens.weight")!.dims;
  const types = "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K";
  assert.deepEqual(await refused(await first((tensor) => ({ ...tensor, type: 10 }))), [
    `token_embd.weight: Expected a tensor of ${types} but found Q2_K.`,
  ]);
  assert.deepEqual(await refused(await first((tensor) => ({ ...tensor, type: 12345 }))), [
    `token_embd.weight: Expected a tensor of ${types} but found type 12345.`,
  ]);
  assert.deepEqual(await refused(await first((tensor) => ({ ...tensor, type: 14 }))), [
    `token_embd.weight: Expected rows of whole blocks of 256 numbers but found ${dims[1]}.`,
  ]);
  const [far] = await refused(await first((tensor) => ({ ...tensor, offset: 2 ** 40 })));
  assert.match(
    far,
    /^token_embd\.weight: Expected it to end within the file's \d+ bytes but found/,
  );
  const overlap = await refused(
    await changed({}, ([a, b, ...rest]) => [a, { ...b, offset: 32 }, ...rest]),
  );
  assert.match(
    overlap[0],
    /Expected it to begin at byte \d+ but found \d+: it overlaps the one before/,
  );
  const short = await refused(await first((tensor) => ({ ...tensor, type: 1 })));
  assert.match(short[0], /: it leaves bytes unexplained\.$/);
});

Deno.test("loadModel() refuses a file that is no GGUF, whatever its name", async () => {
  const path = await Deno.makeTempFile({ suffix: ".gguf" });
  await Deno.writeTextFile(path, "PK zip");
  await assert.rejects(loadModel(path), {
    name: "InputError",
    message: `${path}: Expected a GGUF file, which begins with "GGUF", but found "PK z".`,
  });
  await Deno.remove(path);
});
