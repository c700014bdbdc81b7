import assert from "node:assert/strict";
import { join } from "node:path";
import { ballastJson } from "../end_to_end/ballast.ts";
import { SHARED } from "../shared.ts";
import { NEEDS, present, SMOLLM2 } from "./smollm2.ts";

interface Greedy {
  readonly prompt: string;
  readonly tokens: readonly number[];
  readonly text: string;
}

interface GenerateDocument {
  readonly rows: readonly { prompt: string; text: string; tokens: number; stop: string }[];
}

Deno.test({
  name:
    `generate gives the text that transformers generates greedily, also beside a longer prompt ${NEEDS}`,
  ignore: !present,
  async fn() {
    const golden = await Deno.readTextFile(join(SHARED, "models/smollm2_golden/logps.json"));
    const { prompt, tokens, text }: Greedy = JSON.parse(golden).greedy;
    const { rows } = await ballastJson<GenerateDocument>([
      ...["generate", "--model", SMOLLM2, "--max-new-tokens", String(tokens.length)],
      ...["--prompt", `${prompt} Answer at length, and say why.`, "--prompt", prompt],
    ]);
    assert.equal(rows[1].text, text);
    assert.equal(rows[1].tokens, tokens.length);
    assert.notEqual(rows[0].text, text);
  },
});
