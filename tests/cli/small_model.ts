import { join } from "node:path";
import { parseModelConfig } from "../../train/models/config.ts";
import { initializeModel, saveModel } from "../../train/models/model.ts";
import { asF32, ggufFile } from "../train/models/gguf_writer.ts";
import { TEMPLATE, writeSmallTokenizer } from "./small_tokenizer.ts";

/** A few pairs that its tokenizer writes. */
export const PAIRS = [
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

/**
 * The same small qwen2 as a Hugging Face folder `folder`, as `model.gguf`, and as `pieces.gguf`, which says
 * that its tokens are SentencePiece's; `pairs.jsonl`.
 */
export async function writeSmallModel(root: string): Promise<void> {
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
  const file = (tokenizer: string) =>
    ggufFile(
      [
        ["general.architecture", "qwen2"],
        ["general.name", "A small model"],
        ["general.license", "apache-2.0"],
        ["qwen2.block_count", 1],
        ["qwen2.context_length", config.maxPositions],
        ["qwen2.embedding_length", 16],
        ["qwen2.feed_forward_length", 24],
        ["qwen2.attention.head_count", 2],
        ["qwen2.attention.head_count_kv", 1],
        ["qwen2.attention.layer_norm_rms_epsilon", 1e-6],
        ["tokenizer.ggml.model", tokenizer],
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
  await Deno.writeFile(join(root, "blobs/1"), file("gpt2"));
  await Deno.symlink("blobs/1", join(root, "model.gguf"));
  await Deno.writeFile(join(root, "pieces.gguf"), file("llama"));
  const rows = PAIRS.map((pair) => `${JSON.stringify(pair)}\n`).join("");
  await Deno.writeTextFile(join(root, "pairs.jsonl"), rows);
}
