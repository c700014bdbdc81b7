import assert from "node:assert/strict";
import { join } from "node:path";
import { loadTokenizer } from "../../data/tokenizer/tokenizer.ts";
import { SHARED } from "../shared.ts";
import { NEEDS, present, SMOLLM2 } from "./smollm2.ts";

interface Row {
  readonly prompt: string;
  readonly chosen: string;
}

async function realRows(): Promise<Row[]> {
  const path = join(SHARED, "data/ultrafeedback/train_prefs.jsonl");
  const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Row);
}

Deno.test({
  name: `loadTokenizer() of a GGUF file gives the ids of its tokenizer.json on real text ${NEEDS}`,
  ignore: !present,
  async fn() {
    const ours = await loadTokenizer(SMOLLM2);
    const theirs = await loadTokenizer(join(SHARED, "models/smollm2_tokenizer"));
    assert.equal(ours.vocabSize, theirs.vocabSize);
    assert.deepEqual([ours.bosId, ours.eosId, ours.padId], [
      theirs.bosId,
      theirs.eosId,
      theirs.padId,
    ]);
    assert.deepEqual(ours.specialTokens, theirs.specialTokens);
    const rows = await realRows();
    assert.equal(rows.length, 1000);
    for (const { prompt, chosen } of rows) {
      const messages = [{ role: "user", content: prompt }, {
        role: "assistant",
        content: chosen,
      }] as const;
      const [text, other] = [ours, theirs].map(({ chatTemplate }) =>
        chatTemplate!.render(messages, { addGenerationPrompt: true })
      );
      assert.equal(text, other);
      assert.deepEqual(ours.encode(text), theirs.encode(text));
    }
  },
});
