import assert from "node:assert/strict";
import { runDigest } from "../../train/run_digest.ts";
import { openRuntime } from "../../train/runtime/open_runtime.ts";
import { tinyRun } from "./tiny_run.ts";
import { ignore, unless } from "./runtime/ffi_available.ts";

Deno.test("runDigest() is another one for another version of ONNX Runtime, or other options", () => {
  const digest = runDigest(tinyRun(), "1.29.0");
  assert.equal(runDigest(tinyRun(), "1.29.0"), digest);
  assert.notEqual(runDigest(tinyRun(), "1.30.0"), digest);
  assert.notEqual(runDigest(tinyRun({ seed: 6 }), "1.29.0"), digest);
  assert.notEqual(runDigest(tinyRun({ vocabularyChunk: 5 }), "1.29.0"), digest);
  assert.notEqual(runDigest(tinyRun({ moments: "bfloat16" }), "1.29.0"), digest);
  assert.equal(
    runDigest(tinyRun({ offloadMoments: true }), "1.29.0"),
    digest,
    "no bit hangs on it",
  );
  const lossScaling = { initial: 2, growthInterval: 9 };
  assert.equal(runDigest(tinyRun({ lossScaling }), "1.29.0"), digest, "only float16 has a scale");
  const precision = "float16" as const;
  assert.notEqual(
    runDigest(tinyRun({ precision, lossScaling }), "1.29.0"),
    runDigest(tinyRun({ precision }), "1.29.0"),
  );
  // All of the vocabulary is what small models take anyway.
  assert.equal(runDigest(tinyRun({ vocabularyChunk: 13 }), "1.29.0"), digest);
  assert.notEqual(runDigest(tinyRun({ attentionBlock: 2 }), "1.29.0"), digest);
  assert.equal(runDigest(tinyRun({ attentionBlock: 6 }), "1.29.0"), digest);
  assert.equal(runDigest(tinyRun({ fusedAttention: false }), "1.29.0"), digest);
  assert.notEqual(runDigest(tinyRun({ fusedAttention: true }), "1.29.0"), digest);
});

Deno.test({
  name: `runDigest() is the same through both runtimes, whose bytes are equal${unless}`,
  ignore,
  async fn() {
    const [ffi, node] = await Promise.all(
      (["ffi", "node"] as const).map(async (implementation) => {
        const { version } = await openRuntime({ threads: 1, implementation });
        return runDigest(tinyRun(), version);
      }),
    );
    assert.equal(ffi, node);
  },
});
