import assert from "node:assert/strict";
import { installationFile } from "../../train/runtime/cuda/cuda_installation.ts";
import { buildStandIn, type StandIn, underStandIn } from "./stand_in.ts";
import { standInAvailable } from "./stand_in_available.ts";

const found = await standInAvailable();
const unless = "unavailable" in found ? ` (ignored: ${found.unavailable})` : "";

/** What children hold to ONNX Runtime's CUDA provider, by the tests that they are. */
const HELD = {
  "every kernel that CUDA_KERNELS lists is there": "tests/cuda/kernels_test.ts",
  "every kind of graph runs with all its nodes on the GPU": "tests/stand_in/children/graphs.ts",
  "a step copies between host and GPU what is documented": "tests/stand_in/children/traffic.ts",
  "fused attention is the kernel that is said": "tests/stand_in/children/fused_attention.ts",
  "what has no kernel or no room is refused by name": "tests/stand_in/children/refusals.ts",
  "training and scoring take the memory that is foreseen": "tests/stand_in/children/memory.ts",
  "the paper's graphs open at their whole size": "tests/stand_in/children/paper_graphs.ts",
} as const;

let built: Promise<StandIn> | undefined;

Deno.test.afterAll(async () => (await built)?.[Symbol.dispose]());

for (const [what, child] of Object.entries(HELD)) {
  Deno.test({
    name: `the CUDA provider over a stand-in for CUDA: ${what}${unless}`,
    ignore: "unavailable" in found,
    async fn() {
      assert("provider" in found);
      const before = recordOf(installationFile());
      built ??= buildStandIn(found.provider);
      const { code, stdout, stderr } = await underStandIn(await built, [child]).output();
      const [said, complaints] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      assert.equal(code, 0, `${said}\n${complaints}`);
      // Tests that need a GPU are ignored where they find none.
      assert.match(said, /\| 0 failed/);
      assert.doesNotMatch(said, /ignored/);
      assert.equal(recordOf(installationFile()), before);
    },
  });
}

/** What lies there; null when nothing does. */
function recordOf(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
