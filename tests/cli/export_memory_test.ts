import assert from "node:assert/strict";
import { join } from "node:path";
import { loadTokenizer } from "../../data/tokenizer/tokenizer.ts";
import { parseModelConfig } from "../../train/models/config.ts";
import { formatModelConfig } from "../../train/models/config_format.ts";
import { saveAdapter } from "../../train/models/adapter.ts";
import { newAdapter } from "../../train/models/new_adapter.ts";
import { parameterCount, parametersOf } from "../../train/models/parameters.ts";
import { PROJECT } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { writeSmallTokenizer } from "./small_tokenizer.ts";
import { writeZeros } from "../zero_weights.ts";

/** Exports in a process of its own; the most memory that it held, in bytes. */
async function peakOf(params: Record<string, unknown>): Promise<number> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--allow-read", "--allow-write", "--allow-run=cat"],
      ...[join(PROJECT, "tests/cli/export_child.ts"), JSON.stringify(params)],
    ],
    cwd: PROJECT,
    stderr: "inherit",
  }).output();
  assert.equal(code, 0);
  return (JSON.parse(new TextDecoder().decode(stdout)) as { peak: number }).peak;
}

Deno.test({
  name: "export --merge holds each weight once",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using scratch = await ScratchFolder.make();
    const [model, adapter] = ["model", "adapter"].map((name) => join(scratch.path, name));
    await writeSmallTokenizer(model, ["say black two times"]);
    const config = parseModelConfig({
      model_type: "llama",
      vocab_size: (await loadTokenizer(model)).vocabSize,
      hidden_size: 1024,
      intermediate_size: 4096,
      num_hidden_layers: 3,
      num_attention_heads: 16,
      tie_word_embeddings: true,
    }, "config.json");
    await Deno.writeTextFile(join(model, "config.json"), JSON.stringify(formatModelConfig(config)));
    await writeZeros(join(model, "model.safetensors"), parametersOf(config));
    await saveAdapter(newAdapter({ rank: 1 }, { model: config, seed: 1 }), adapter);
    const base = {
      name: null,
      revision: null,
      ggufType: null,
      license: null,
      licenseName: null,
      licenseSource: null,
      fromScratch: false,
    };
    const card = { origin: null, base, training: [], measured: [] };
    const params = { model, merge: false, dtype: "bfloat16", maxShardBytes: 1e10, card };
    const plain = await peakOf(params);
    const merged = await peakOf({ ...params, adapter, merge: true });
    const bytes = 4 * parameterCount(config);
    const more = (merged - plain) / bytes;
    assert(plain > bytes && more < 0.2, `${more.toFixed(2)} times the weights more`);
  },
});
