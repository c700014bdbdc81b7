import assert from "node:assert/strict";
import { join } from "node:path";
import { ballastJson } from "../end_to_end/ballast.ts";
import { SHARED } from "../shared.ts";
import { NEEDS, present, SMOLLM2 } from "./smollm2.ts";

type Row = Record<"chosenLogp" | "rejectedLogp" | "chosenTokens" | "rejectedTokens", number>;

Deno.test({
  name: `logps of a GGUF file equals PyTorch's log-probs on real pairs ${NEEDS}`,
  ignore: !present,
  async fn() {
    const golden = join(SHARED, "models/smollm2_golden");
    const { rows } = await ballastJson<{ rows: Row[] }>([
      ...["logps", "--model", SMOLLM2, "--pairs", join(golden, "pairs.jsonl")],
      ...["--max-length", "2048", "--max-prompt-length", "1024"],
    ]);
    const expected: Row[] = JSON.parse(await Deno.readTextFile(join(golden, "logps.json"))).rows;
    assert.equal(rows.length, expected.length);
    rows.forEach((row, i) => {
      for (const side of ["chosen", "rejected"] as const) {
        const wanted = expected[i];
        assert.equal(row[`${side}Tokens`], wanted[`${side}Tokens`], `row ${i}`);
        const error = Math.abs(row[`${side}Logp`] / wanted[`${side}Logp`] - 1);
        assert(error <= 1e-4, `row ${i}, ${side}: off by ${error}, relatively`);
      }
    });
  },
});
